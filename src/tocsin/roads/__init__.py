"""The road graph and the times units need on it."""
