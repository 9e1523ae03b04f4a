"""The log: the only package that knows the fact tables."""
