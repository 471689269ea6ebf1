"""The frames that set the INT8 ranges, and whether they are fit to."""
