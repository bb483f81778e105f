"""All that needs no framework. Nothing here may import torch, paddle or an implementation."""
