"""Weight files of others, read without executing them."""
