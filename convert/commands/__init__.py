"""The workstation's sub-commands, one file each: what it is asked, and what it calls. They hold no rules."""
