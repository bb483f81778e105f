"""Planted faults of U-GAT-IT: mistakes that its ports have made, or can make."""

from parity.faults.ugatit import layers, losses, networks, outside, steps, updates

FAULTS = (
    *networks.FAULTS, *layers.FAULTS, *losses.FAULTS, *steps.FAULTS, *updates.FAULTS, *outside.FAULTS,
)  # fmt: skip
"""In the order of the groups of the suite that should catch them."""
