"""The comparison of two implementations."""
