"""U-GAT-IT: options, initial values, data, pictures and file layouts."""

from neutral.families.ugatit.family import FAMILY

__all__ = ["FAMILY"]
