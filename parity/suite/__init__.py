"""The suite: `pytest parity/`. A family is tested because it is registered."""
