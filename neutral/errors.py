"""Errors that end a command with one clear screen and an exit status, never a traceback.

    ParityError              exit 2
    ├── ConfigError          an option or a configuration file is wrong
    ├── DataError            an image, a folder or a data set is wrong
    ├── StateError           names, shapes or dtypes of tensors do not fit a model
    ├── CheckpointError      a checkpoint or weight file cannot be read or written
    ├── ExportError          a network cannot be exported, or its graph does not compute the same
    ├── EnvironmentFault     exit 3: a framework, a device or a library is not there
    ├── DivergedError        exit 4: a loss is not finite
    └── Interrupted          exit 130: stopped by Ctrl-C or SIGTERM, after saving

Exit status 1 is kept for "compared, and different": a verdict is not an error.
"""

from __future__ import annotations


class ParityError(Exception):
    """Base of every error that is shown to the user as a message. `exit_status` ends the command."""

    exit_status = 2


class ConfigError(ParityError):
    """An option or a configuration file is wrong."""


class DataError(ParityError):
    """An image, a folder or a data set is wrong."""


class StateError(ParityError):
    """Names, shapes or dtypes of tensors do not fit the model they are meant for."""


class CheckpointError(ParityError):
    """A checkpoint or weight file cannot be read or written."""


class ExportError(ParityError):
    """A network cannot be exported, or the exported graph does not compute what the network does."""


class EnvironmentFault(ParityError):
    """A framework, a device or a library is missing or does not work."""

    exit_status = 3


class DivergedError(ParityError):
    """Training produced a value that is not finite."""

    exit_status = 4


class Interrupted(ParityError):
    """Stopped on request (Ctrl-C or SIGTERM) after the state was saved."""

    exit_status = 130
