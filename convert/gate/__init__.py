"""May the INT8 model stand for the float one? Clinical figures by subject, a margin each."""
