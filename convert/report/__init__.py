"""The conversion report: a published record, as JSON and as one self-contained page."""
