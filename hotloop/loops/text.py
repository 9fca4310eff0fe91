"""Temporary."""
def show(x): return repr(x)
