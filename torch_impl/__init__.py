"""PyTorch implementation. The twin of `paddle_impl`: same files, names, order and docstrings."""
