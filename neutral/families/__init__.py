"""The families: one package each, registered by name in `neutral.registry`."""
