"""PaddlePaddle implementation. The twin of `torch_impl`: same files, names, order and docstrings."""
