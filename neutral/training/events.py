"""TensorBoard event files, written with TensorBoard's own record format and without its async writer.

TensorBoard's `EventFileWriter` imports TensorFlow where that is installed, and writes from a thread, where a
full disk goes unnoticed.
"""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from PIL import Image
from tensorboard.compat.proto.event_pb2 import Event, SessionLog  # type: ignore[import-untyped]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

from neutral.durable import append, reported
from neutral.images import Picture

LARGEST = 1024
"""Longest side of a picture in the event file; the file beside it has every pixel."""


class EventFile:
    """One event file in `folder`. `start`: what earlier sessions wrote from this iteration on is void."""

    def __init__(self, folder: Path, start: int) -> None:
        self._path = folder / f"events.out.tfevents.{time.time():.6f}.{socket.gethostname()}.{os.getpid()}"
        with reported(self._path):
            folder.mkdir(parents=True, exist_ok=True)
        self._write(Event(file_version="brain.Event:2"))
        self._write(Event(step=start, session_log=SessionLog(status=SessionLog.START)))

    def scalars(self, iteration: int, values: Mapping[str, float]) -> None:
        """One point of each curve."""
        points = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._write(Event(step=iteration, summary=Summary(value=points)))

    def image(self, iteration: int, tag: str, picture: Picture) -> None:
        """`picture`, made smaller where its longest side is above `LARGEST`."""
        image = Image.fromarray(picture)
        image.thumbnail((LARGEST, LARGEST))
        encoded = io.BytesIO()
        image.save(encoded, "JPEG", quality=90)
        content = Summary.Image(
            height=image.height, width=image.width, colorspace=3, encoded_image_string=encoded.getvalue()
        )
        self._write(Event(step=iteration, summary=Summary(value=[Summary.Value(tag=tag, image=content)])))

    def _write(self, event: Event) -> None:
        event.wall_time = time.time()
        record = io.BytesIO()
        RecordWriter(record).write(event.SerializeToString())
        append(self._path, record.getvalue())
