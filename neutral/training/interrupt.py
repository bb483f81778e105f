"""Ctrl-C and SIGTERM: finish the iteration and save; a second one stops at once."""

from __future__ import annotations

import os
import signal
from types import FrameType, TracebackType

from typing_extensions import Self

from neutral.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Inside its `with` block the first signal sets `name`; the second raises `Interrupted` where it strikes.

    Use it in the main thread, after the framework was imported: some install handlers of their own.
    """

    def __init__(self) -> None:
        self.name = ""
        """The signal that asked to stop, "" as long as none did."""

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self.name:
            raise Interrupted(
                f"stopped at once by a second {signal.Signals(number).name}, without saving. "
                "The newest checkpoint is still there: go on from it with --resume"
            )
        self.name = signal.Signals(number).name
        # os.write: a handler may run in the middle of a print, which is not reentrant.
        os.write(
            2, f"\n{self.name}: finishing this iteration, then saving. Again to stop at once.\n".encode()
        )
