"""What a mutant's volume may differ by without a word.

A readable mutant must be the original volume, or carry a warning that the original does not, or
differ in no more than what was written into the file: an element or field whose new value the
format allows (a voxel of 7 mm instead of 4 mm is believed: nothing in the file contradicts it)
may change what it stands for and nothing else, and pixel bytes may change as many voxels as bytes
were changed. What each element stands for is listed here, apart from the code under test, and
elements are parsed by `dicom_bytes`, not by the library that the readers use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from dicom_bytes import PIXEL_DATA, parse

if TYPE_CHECKING:
    from corpus import Study

    from fuzzyseg.volume import Volume

# Aspects that an element may change, by its tag. What is not listed may change nothing.
AFFINE, VALUES, NAME = "affine", "values", "name"
STANDS_FOR = {
    (0x0018, 0x0050): {AFFINE},  # SliceThickness, where SpacingBetweenSlices is absent
    (0x0018, 0x0088): {AFFINE},  # SpacingBetweenSlices
    (0x0020, 0x0032): {AFFINE},  # ImagePositionPatient
    (0x0020, 0x0037): {AFFINE},  # ImageOrientationPatient
    (0x0028, 0x0030): {AFFINE},  # PixelSpacing
    (0x0054, 0x0022): {AFFINE},  # DetectorInformationSequence
    (0x0028, 0x0100): {VALUES},  # BitsAllocated, BitsStored, HighBit, PixelRepresentation
    (0x0028, 0x0101): {VALUES},
    (0x0028, 0x0102): {VALUES},
    (0x0028, 0x0103): {VALUES},
    (0x0028, 0x0120): {VALUES},  # PixelPaddingValue
    (0x0028, 0x1052): {VALUES},  # RescaleIntercept, RescaleSlope
    (0x0028, 0x1053): {VALUES},
    (0x0040, 0x9096): {VALUES, NAME},  # RealWorldValueMappingSequence, with its unit
    (0x0028, 0x1054): {NAME},  # RescaleType
    (0x0054, 0x1001): {NAME},  # Units
    (0x0008, 0x0060): {NAME},  # Modality
}
# Header of NIfTI-1: ranges of bytes, and what they stand for.
NIFTI_STANDS_FOR = (
    (70, 74, {VALUES}),  # datatype, bitpix
    (76, 108, {AFFINE}),  # pixdim
    (112, 120, {VALUES}),  # scl_slope, scl_inter
    (252, 328, {AFFINE}),  # codes, quaternion, sform
    (352, 1 << 40, {VALUES}),
)


def differences(original: Volume, found: Volume) -> set[str]:
    """Aspects in which two volumes differ."""
    found_to_differ = set()
    if original.shape != found.shape:
        found_to_differ.add("shape")
    elif not np.array_equal(original.array, found.array):
        found_to_differ.add(VALUES)
    if not np.allclose(original.affine, found.affine, rtol=1e-6, atol=1e-4):
        found_to_differ.add(AFFINE)
    if (original.modality, original.unit) != (found.modality, found.unit):
        found_to_differ.add(NAME)
    return found_to_differ


def is_silent(study: Study, files: dict[str, bytes], original: Volume, found: Volume) -> bool:
    """Tell whether a mutant's volume differs by what nothing accounts for."""
    differing = differences(original, found)
    if not differing or set(found.warnings) - set(original.warnings):
        return False
    return not differing <= _accounted(study, files)


def _accounted(study: Study, files: dict[str, bytes]) -> set[str]:
    changed = [name for name in study.files if files.get(name) != study.files[name]]
    if study.kind == "nifti":
        return set().union(*(_in_nifti(study.files[n], files[n]) for n in changed))
    if study.kind == "dicom":
        return set().union(*(_in_dicom(study.files[n], files.get(n, b"")) for n in changed))
    return set()


def _in_nifti(before: bytes, after: bytes) -> set[str]:
    if len(before) != len(after):
        return set()
    places = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    return {
        aspect
        for start, end, aspects in NIFTI_STANDS_FOR
        for aspect in aspects
        if any(start <= place < end for place in places)
    }


def _in_dicom(before: bytes, after: bytes) -> set[str]:
    one, other = parse(before), parse(after)
    assert one is not None
    if other is None:  # lengths that do not fit, which readers may get over: pixels lie at the end
        pixels = len(before) - len(one[-1].value)
        same = len(before) == len(after) and one[-1].tag == PIXEL_DATA
        return {VALUES} if same and before[pixels:] != after[pixels:] else set()
    accounted = set()
    was, now = {e.tag: e for e in one}, {}
    for element in other:  # of copies of an element, readers differ in which they take
        if element.tag in now and element != now[element.tag]:
            accounted |= STANDS_FOR.get(element.tag, set())
        now[element.tag] = element
    for tag in was.keys() | now.keys():
        if was.get(tag) != now.get(tag):
            accounted |= {VALUES} if tag == PIXEL_DATA else STANDS_FOR.get(tag, set())
    return accounted
