"""How pictures of the page are drawn: grey scales, outlines, and PNG or JPEG in the page's text."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

OUTLINE = (226, 40, 36)
_JPEG_QUALITY = 88


def data_url(picture: NDArray[np.uint8], kind: Literal["png", "jpeg"] = "png") -> str:
    """Turn a picture (rows, columns, 3) into one that a page holds in its own text.

    JPEG is a fifth of the work and half the size of PNG, for slices; PNG keeps lines sharp.
    """
    from PIL import Image

    file = io.BytesIO()
    image = Image.fromarray(picture)
    if kind == "png":
        image.quantize(128).save(file, "PNG", optimize=True)
    else:
        image.save(file, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    return f"data:image/{kind};base64," + base64.b64encode(file.getvalue()).decode("ascii")


def sampled(plane: Image, place: list[NDArray[np.float64]], fill: float = 0.0) -> Image:
    """Interpolate a plane linearly at places (rows, columns); `fill` outside it."""
    from scipy import ndimage

    found: Image = ndimage.map_coordinates(plane, place, order=1, mode="constant", cval=fill)
    return found


def scaled(values: Image, window: tuple[float, float]) -> Image:
    """Bring values to 0 for the window's lower end and below, 1 for its upper end and above."""
    low, high = window
    return np.asarray(np.clip((values - low) / (high - low), 0, 1), np.float32)


def edge(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the pixels just outside a mask."""
    from scipy import ndimage

    return np.asarray(ndimage.binary_dilation(inside) & ~inside, bool)
