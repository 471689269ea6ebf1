"""The runtime's sub-commands, one file each: what it is asked, and what it calls. They hold no rules of their own.

`sonoedge.commands` in pyproject.toml lists them. What is heavy is imported when a command runs, not for its help.
"""
