"""Phantoms from files: labelled NIfTI, XCAT's raw volumes, a CT with bone labels."""

from __future__ import annotations

import zlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.errors import InputError
from fuzzyseg.simulation.phantom.attenuation import attenuation_from_hu
from fuzzyseg.simulation.phantom.files.label_table import BONE, LabelTable, read_table
from fuzzyseg.simulation.phantom.files.labelled_phantom import LabelledVolume
from fuzzyseg.simulation.phantom.model import SKELETON
from fuzzyseg.simulation.phantom.tissues import TISSUES

if TYPE_CHECKING:
    from numpy.typing import NDArray

AttenuationUnit = Literal["1/cm", "1/pixel"]
# Edges between air, lung, fat and other soft tissue, in HU.
_LUNG_HU = (-950.0, -500.0)
_FAT_HU = -30.0


def load_labelled(path: str | Path, table: str | Path | LabelTable) -> LabelledVolume:
    """Read a labelled NIfTI and its table.

    Parameters
    ----------
    path : path
        NIfTI with whole-number labels.
    table : path, name or LabelTable
        TOML file, or the name of a table that ships with the package ("xcat-derived").

    Returns
    -------
    LabelledVolume

    Raises
    ------
    InputError
        If a file cannot be read, a label has no tissue, or voxels are not isotropic in-plane.
    """
    table = table if isinstance(table, LabelTable) else read_table(table)
    array, affine = _nifti(path)
    if array.dtype.kind not in "uib":
        whole = np.rint(array)
        if not np.array_equal(whole, array):
            raise InputError(
                f"expected whole-number labels in {path}, found fractions; pass a label map, "
                "or a CT with bone labels"
            )
        array = whole.astype(np.int32)
    if table.organs:
        array, table = with_organs(array, table)
    if table.orientation is not None:
        affine = _oriented(affine, table.orientation)
    (array,), affine = _kept((array,), affine, table, path)
    return LabelledVolume(array, affine, table, source=str(path))


def with_organs(
    labels: NDArray[np.integer[Any]], table: LabelTable
) -> tuple[NDArray[np.integer[Any]], LabelTable]:
    """Lay a table's organs into soft tissue as labels of their own.

    Parameters
    ----------
    labels : integer ndarray of shape (X, Y, Z)
    table : LabelTable

    Returns
    -------
    labels, table
        With a label and a line more for each organ, and no organs left to lay.
    """
    soft = [label for label, tissue in table.tissues.items() if tissue == "soft tissue"]
    new = max(table.tissues, default=0) + 1
    painted = labels.astype(
        np.promote_types(labels.dtype, np.min_scalar_type(new + len(table.organs)))
    )
    tissues = dict(table.tissues)
    for label, organ in enumerate(table.organs, start=new):
        centre, radii = np.array(organ.centre), np.array(organ.radii)
        first = np.clip(np.floor(centre - radii).astype(int), 0, labels.shape)
        last = np.clip(np.ceil(centre + radii).astype(int) + 1, 0, labels.shape)
        x, y, z = (
            ((np.arange(a, b) - c) / r) ** 2
            for a, b, c, r in zip(first, last, centre, radii, strict=True)
        )
        inside = x[:, None, None] + y[:, None] + z <= 1
        box = painted[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
        box[inside & np.isin(box, [*soft, *range(new, label)])] = label
        tissues[label] = organ.tissue
    return painted, replace(table, tissues=tissues, organs=())


def load_xcat(
    attenuation: str | Path,
    activity: str | Path | None = None,
    *,
    shape: tuple[int, int, int],
    voxel_mm: float | tuple[float, float, float],
    unit: AttenuationUnit = "1/pixel",
    orientation: str = "LPS",
    keep: dict[str, tuple[int, int]] | None = None,
) -> LabelledVolume:
    """Read XCAT's raw volumes: 32-bit little-endian floats, x fastest, then y, then z.

    Tissues are told apart by attenuation, at the middle between neighbours in the tissue table;
    attenuation itself is kept, and so is the activity, as relative uptake.

    Parameters
    ----------
    attenuation, activity : path
        XCAT's `_atn` and `_act` files. Without activity, uptake is drawn as for any phantom.
    shape : (X, Y, Z)
    voxel_mm : float or (x, y, z)
    unit : {"1/pixel", "1/cm"}, default "1/pixel"
        XCAT writes attenuation per pixel width.
    orientation : str, default "LPS"
        Where x, y and z run.
    keep : dict from axis to (first, last), optional
        Voxels kept along x, y or z of the file.

    Raises
    ------
    InputError
        If a file's size does not fit the shape, or it holds negative or no finite numbers.
    """
    widths = np.broadcast_to(np.asarray(voxel_mm, dtype=float), 3)
    mu = _raw(attenuation, shape)
    if unit == "1/pixel":
        mu = mu / np.float32(widths[0] / 10)
    elif unit != "1/cm":
        raise InputError(f"expected unit 1/cm or 1/pixel, found {unit!r}; choose one")
    order = ("air", "lung", "adipose", "soft tissue", "spongiosa", "cortical bone")
    values = [TISSUES[name].attenuation for name in order]
    edges = [(a + b) / 2 for a, b in pairwise(values)]
    labels = np.digitize(mu, edges).astype(np.uint16)
    regions = {4: SKELETON, 5: SKELETON}
    table = LabelTable(dict(enumerate(order)), regions, orientation, keep or {})
    uptake = None if activity is None else _raw(activity, shape)
    (labels, mu, uptake), affine = _kept(
        (labels, mu, uptake), _oriented(np.diag([*widths, 1.0]), orientation), table, attenuation
    )
    return LabelledVolume(labels, affine, table, mu, uptake, source=str(attenuation))


def load_ct(
    ct: str | Path,
    bone_labels: str | Path,
    bone: dict[int, str] | None = None,
    *,
    keep: dict[str, tuple[int, int]] | None = None,
) -> LabelledVolume:
    """Read a CT and labels of its bones, both NIfTI on the same voxels.

    Attenuation follows from HU by the bilinear rule; tissues outside bone from HU too. Voxels as
    bright as bone but not labelled, such as contrast medium, count as soft tissue.

    Parameters
    ----------
    ct : path
        In HU.
    bone_labels : path
    bone : dict from label to region's name, optional
        Labels that are bone; by default every label but 0, as one skeleton.
    keep : dict from axis to (first, last), optional
        Voxels kept along x, y or z of the files.

    Raises
    ------
    InputError
        If a file cannot be read or the two differ in shape or place.
    """
    hu, affine = _nifti(ct)
    labels, other = _nifti(bone_labels)
    if hu.shape != labels.shape or not np.allclose(affine, other, atol=0.1):
        raise InputError(
            f"expected CT and bone labels on the same voxels, found {hu.shape} and {labels.shape} "
            "or different places; resample the labels onto the CT"
        )
    hu = np.clip(hu.astype(np.float32), -1024, 3071)
    names = ("air", "lung", "adipose", "soft tissue")
    tissue = np.digitize(hu, [*_LUNG_HU, _FAT_HU]).astype(np.uint16)
    # Between lung and fat lies what averages air and tissue: airway walls, skin, the bowel.
    regions = bone or dict.fromkeys((int(v) for v in np.unique(labels) if v > 0), SKELETON)
    table_tissues: dict[int, str] = dict(enumerate(names))
    table_regions: dict[int, str] = {}
    for i, name in enumerate(dict.fromkeys(regions.values()), start=len(names)):
        members = [label for label, region in regions.items() if region == name]
        tissue[np.isin(labels, members)] = i
        table_tissues[i], table_regions[i] = BONE, name
    table = LabelTable(table_tissues, table_regions, keep=keep or {})
    (tissue, hu), affine = _kept((tissue, hu), affine, table, ct)
    mu = attenuation_from_hu(hu)
    return LabelledVolume(tissue, affine, table, mu, hu=hu, source=str(ct))


def _nifti(path: str | Path) -> tuple[NDArray[Any], NDArray[np.float64]]:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    failures = (ImageFileError, HeaderDataError, EOFError, OSError, ValueError, zlib.error)
    try:
        image: Any = nibabel.load(path)
        array = np.asanyarray(image.dataobj)
        affine = np.asarray(image.affine, dtype=np.float64)
    except failures as error:
        raise InputError(
            f"expected a NIfTI volume, found {path} which cannot be read ({type(error).__name__}); "
            "check the path, or write it again with .nii or .nii.gz"
        ) from error
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3 or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise InputError(
            f"expected one 3-D volume with a geometry in {path}, found shape {array.shape}; "
            "split or repair the file"
        )
    return array, affine


def _raw(path: str | Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    expected = 4 * int(np.prod(shape))
    try:
        found = Path(path).stat().st_size
    except OSError as error:
        raise InputError(f"expected a raw volume, found no {path}; check the path") from error
    if found != expected:
        raise InputError(
            f"expected {expected} bytes in {path} for {shape[0]} x {shape[1]} x {shape[2]} 32-bit "
            f"floats, found {found}; give the shape XCAT was run with"
        )
    array = np.fromfile(path, dtype="<f4").reshape(shape, order="F")
    return np.ascontiguousarray(array, dtype=np.float32)


def _oriented(affine: NDArray[np.float64], orientation: str) -> NDArray[np.float64]:
    """Affine of the same voxel widths whose axes run as the letters say."""
    widths = np.linalg.norm(affine[:3, :3], axis=0)
    axis = {"R": (0, 1), "L": (0, -1), "A": (1, 1), "P": (1, -1), "S": (2, 1), "I": (2, -1)}
    matrix = np.eye(4)
    matrix[:3, :3] = 0
    for column, letter in enumerate(orientation):
        row, sign = axis[letter]
        matrix[row, column] = sign * widths[column]
    return matrix


def _kept(
    arrays: tuple[Any, ...], affine: NDArray[np.float64], table: LabelTable, source: str | Path
) -> tuple[tuple[Any, ...], NDArray[np.float64]]:
    """Cut volumes on the same voxels, or None, to what their table keeps."""
    shape = arrays[0].shape
    box = [slice(0, n) for n in shape]
    for name, (first, last) in table.keep.items():
        axis = "xyz".index(name)
        if last > shape[axis]:
            raise InputError(
                f"expected keep within the {shape[axis]} voxels of {source} along {name}, "
                f"found {first} to {last}; correct the table"
            )
        box[axis] = slice(first, last)
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ [s.start for s in box]
    cut = (None if a is None else np.ascontiguousarray(a[tuple(box)]) for a in arrays)
    return tuple(cut), moved
