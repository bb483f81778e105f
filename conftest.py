"""The suite's options and fixtures; see `parity.plugin`."""

pytest_plugins = ["parity.plugin"]
