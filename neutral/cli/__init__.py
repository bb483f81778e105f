"""Commands that need no comparison."""
