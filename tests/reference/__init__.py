"""Second implementations, in plain Python, of what the C++ core does. For tests only."""
