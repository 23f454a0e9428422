"""What a class is called by others: codes, colours, and which classes are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuzzyseg.conventions import CLASSES, COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydicom.sr.coding import Code

_SNOMED = "SCT"


@dataclass(frozen=True)
class Term:
    """A class as other programs name it.

    Parameters
    ----------
    label : int
        Its number in a label map, from 1: the background is no object.
    name : str
        As in `Segmentation.class_names`.
    category, kind : tuple of 2 str
        SNOMED CT codes and their meanings (PS3.16 CID 7150 and CID 7151).
    region : tuple of 2 str, optional
        Where in the body it is (PS3.16 CID 4).
    """

    label: int
    name: str
    category: tuple[str, str]
    kind: tuple[str, str]
    region: tuple[str, str] | None = None

    @property
    def colour(self) -> str:
        """Colour as #rrggbb, that of the preview."""
        return COLOURS[(self.label - 1) % len(COLOURS)]

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as three numbers from 0 to 255."""
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue


_TISSUE, _BONE = ("85756007", "Tissue"), ("272673000", "Bone")
_ABNORMAL = ("49755003", "Morphologically Abnormal Structure")
_LESION = ("52988006", "Lesion")
# Bones in which a lesion may lie, by the names that `fuzzyseg.quantification` gives (PS3.16 CID 4,
# CID 6115 and, for the bones of the pelvis, CID 7304).
SITES = {
    "skull": ("89546000", "Skull"),
    "cervical spine": ("122494005", "Cervical spine"),
    "thoracic spine": ("122495006", "Thoracic spine"),
    "lumbar spine": ("122496007", "Lumbar spine"),
    "sacrum": ("54735007", "Sacrum"),
    "ribs": ("113197003", "Rib"),
    "sternum": ("56873002", "Sternum"),
    "shoulder girdle": ("26444007", "Pectoral girdle"),
    "pelvis": ("118645006", "Pelvis"),
    "upper limb": ("371195002", "Bone of upper limb"),
    "lower limb": ("72001000", "Bone of lower limb"),
}
_MEANINGS = {
    CLASSES[1]: (_TISSUE, _BONE, None),
    CLASSES[2]: (_ABNORMAL, _LESION, _BONE),
}


def terms(class_names: Sequence[str]) -> tuple[Term, ...]:
    """Describe every class but the background; one without a code of its own is a tissue."""
    return tuple(
        Term(label, name, *_MEANINGS.get(name, (_TISSUE, _TISSUE, None)))
        for label, name in enumerate(class_names)
        if label > 0
    )


def code(pair: tuple[str, str]) -> Code:
    """Turn a code and its meaning into what pydicom and highdicom take."""
    from pydicom.sr.coding import Code

    value, meaning = pair
    return Code(value, _SNOMED, meaning)
