"""PaddlePaddle implementation. The twin of `torch_impl`: same files, names, order and docstrings."""

from paddle_impl import framework as _framework  # noqa: F401  settles the environment before paddle's import
