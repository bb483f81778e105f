"""Pictures: reading and writing files, resizing, and the way between 8-bit pixels and network tensors.

A picture is uint8, height x width x 3, in RGB order. A tensor is channels x height x width in [-1, 1].
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from neutral.durable import new_file
from neutral.errors import CheckpointError, DataError

Picture = NDArray[np.uint8]
Tensor = NDArray[np.floating[Any]]

DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
"""What Pillow raises on files that are damaged, truncated or no picture at all."""


def read_image(path: Path, channels: int = 3) -> Picture:
    """The picture in `path`: (H, W, 3) in RGB, or (H, W, 1) in grey (ITU-R 601) for `channels` 1.

    Decoded by Pillow, as the original projects do. Greyscale, palette and CMYK pictures are converted,
    transparency is dropped, 16-bit values keep their high byte, and the orientation that a camera noted
    (EXIF) is applied. Raises `DataError` naming the file when it is missing, damaged or of another kind.
    """
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            pixels = np.asarray(_eight_bit(upright).convert("RGB" if channels == 3 else "L"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such picture") from None
    except (*DAMAGED, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: not a readable picture ({_reason(error)})") from None
    return pixels.reshape(*pixels.shape[:2], channels)


def write_image(path: Path, picture: Picture) -> None:
    """Write an RGB or grey picture as .png or .jpg (quality 95), whole or not at all.

    Raises `DataError` naming the file when the folder cannot be written or the disk is full.
    """
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise DataError(f"{path}: pictures are written as .png or .jpg")
    grey = picture.shape[-1] == 1
    encoded = cv2.imencode(path.suffix, picture if grey else picture[..., ::-1])[1]
    try:
        with new_file(path) as temporary:
            temporary.write_bytes(encoded.tobytes())
    except CheckpointError as error:
        raise DataError(str(error)) from None


def resize(picture: Picture, height: int, width: int) -> Picture:
    """Bilinear with antialiasing (Pillow); the aspect ratio is not kept."""
    grey = picture.shape[-1] == 1
    image = Image.fromarray(picture[..., 0] if grey else picture)
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    return pixels.reshape(height, width, picture.shape[-1])


def to_tensor(picture: Picture, dtype: str = "float32") -> Tensor:
    """(H, W, C) 8-bit -> (C, H, W) in [-1, 1]: (x / 255 - 0.5) / 0.5, computed in `dtype`."""
    kind = np.dtype(dtype).type
    values = (np.arange(256, dtype=dtype) / kind(255) - kind(0.5)) / kind(0.5)
    return np.ascontiguousarray(values[picture].transpose(2, 0, 1))


def from_tensor(tensor: Tensor) -> Picture:
    """(3 or 1, H, W) in [-1, 1] -> (H, W, 3) 8-bit, rounded half to even and saturated; nan becomes 0.

    x * 0.5 + 0.5 in the dtype of the tensor, times 255 in float64: as the original's pictures are formed.
    """
    scaled = (tensor * 0.5 + 0.5).astype(np.float64) * 255.0
    pixels = np.clip(np.rint(np.nan_to_num(scaled, nan=0.0)), 0, 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def heatmap_picture(heatmap: Tensor, height: int, width: int) -> Picture:
    """(h, w) attention map of any range -> (height, width, 3), blue (lowest) over green to red (highest).

    Minimum subtracted, divided by the maximum, truncated to 8 bit, resized bilinearly, JET colours.
    A map without a range, constant or not finite, is the colour of the lowest value throughout.
    """
    grey = np.zeros(heatmap.shape, np.uint8)
    if np.isfinite(heatmap).all() and heatmap.max() > heatmap.min():
        raised = heatmap - heatmap.min()
        grey = (raised / raised.max() * 255).astype(np.uint8)
    resized = cv2.resize(grey, (width, height))
    coloured = cv2.applyColorMap(resized, cv2.COLORMAP_JET)
    return np.ascontiguousarray(coloured[..., ::-1]).astype(np.uint8)


def _eight_bit(image: Image.Image) -> Image.Image:
    """`image` with 8 bits per channel; 16-bit grey keeps its high byte (Pillow would saturate it)."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.clip(np.asarray(image), 0, 65535) >> 8).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed range; save it with 8 or 16 bits")
    return image


def _reason(error: BaseException) -> str:
    """One line of `error` without the path, which the message already names."""
    if isinstance(error, UnidentifiedImageError):
        return "no known picture format"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).splitlines()[0] if str(error) else type(error).__name__
