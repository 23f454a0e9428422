"""The whole body from the front and from behind, its lesions numbered: SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def mips(
    front: str,
    shape: tuple[int, ...],
    places: Mapping[int, tuple[float, float]],
    margin: int = 0,
    when: str = "",
) -> str:
    """Show the whole body from the front and from behind, lesions numbered.

    Parameters
    ----------
    front : str
        Data URL of the picture from the front.
    shape : tuple of ints
        Its rows and columns.
    places : mapping of int to (column, row)
        Where each lesion is in it.
    margin : int
        Columns on each side that are left out: nothing is there.
    when : str
        Which day it is, where there are several.

    Returns
    -------
    str
        HTML of two figures, a line each.
    """
    height, width = shape[:2]
    return "\n".join(
        _mip(front, width, height, places, margin, when, mirrored=mirrored)
        for mirrored in (False, True)
    )


def _mip(
    picture: str,
    width: int,
    height: int,
    places: Mapping[int, tuple[float, float]],
    margin: int,
    when: str,
    *,
    mirrored: bool,
) -> str:
    title = "posterior" if mirrored else "anterior"
    left, right = ("L", "R") if mirrored else ("R", "L")
    turned = f' transform="matrix(-1 0 0 1 {width} 0)"' if mirrored else ""
    marks = []
    taken: list[tuple[float, float]] = []
    for n, (x, y) in places.items():
        at = (width - x if mirrored else x, y)
        to = _free(at, taken, margin, width - margin)
        taken.append(to)
        marks.append(
            f'<g class="mark" data-lesion="{n}"><line x1="{at[0]:.1f}" y1="{at[1]:.1f}" '
            f'x2="{to[0]:.1f}" y2="{to[1]:.1f}"/>'
            f'<text x="{to[0]:.1f}" y="{to[1] + 4:.1f}">{n}</text></g>'
        )
    box = f"{margin} 0 {width - 2 * margin} {height}"
    middle = f"{height / 2:.0f}"
    caption = f"{when}, {title}" if when else f"MIP, {title}"
    return (
        f'<figure><svg viewBox="{box}" role="img" aria-label="Maximum intensity '
        f'projection: {caption}, lesions numbered"><image href="{picture}" width="{width}" '
        f'height="{height}"{turned}/>'
        f'<text class="side" x="{margin + 6}" y="{middle}">{left}</text>'
        f'<text class="side" x="{width - margin - 14}" y="{middle}">{right}</text>'
        f"{''.join(marks)}</svg><figcaption>{caption}</figcaption></figure>"
    )


def _free(
    at: tuple[float, float], taken: list[tuple[float, float]], first: int, last: int
) -> tuple[float, float]:
    """Find room for a number beside its lesion, away from the middle, clear of the others."""
    out = 1 if at[0] >= (first + last) / 2 else -1
    x, y = at
    for reach in range(22, 90, 8):
        for rise in (0, -12, 12, -24, 24):
            x = min(max(at[0] + out * reach, first + 10), last - 10)
            y = at[1] + rise
            if all(abs(x - a) > 18 or abs(y - b) > 12 for a, b in taken):
                return x, y
    return x, y
