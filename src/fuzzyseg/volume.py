"""Volume, Study and Segmentation: the values that flow through the package."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fuzzyseg.administration import Administration
from fuzzyseg.errors import InputError
from fuzzyseg.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray
    from pydicom import Dataset

Modality = Literal["CT", "NM", "PT", "other"]
Unit = Literal["HU", "Bq/mL", "counts", "SUV", "arbitrary"]

# Two grids are one where no entry of their affines differs by more, mm.
_SAME_GRID_MM = 1e-3


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return a view that refuses writes; the caller's own array stays as it was."""
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3-D scalar image with its place in the patient.

    Parameters
    ----------
    array : float32 ndarray of shape (X, Y, Z)
        Intensities in `unit`; other dtypes are converted. Stored as a read-only view.
    affine : float64 ndarray of shape (4, 4)
        Maps voxel indices (i, j, k, 1) to millimetres in the RAS frame of NIfTI
        (+x to the patient's right, +y to the front, +z to the head).
    modality : {"CT", "NM", "PT", "other"}
        What the image is. SPECT stored by a vendor as modality PT stays "PT".
    unit : {"HU", "Bq/mL", "counts", "SUV", "arbitrary"}
        Unit of the intensities.
    source : str
        Where it came from, for people: a path or a description.
    warnings : tuple of str
        What a reader had to assume or repair, one sentence each.
    nuclide : str
        Such as "Tc-99m" or "F-18"; empty where the file does not say.
    half_life_s : float or None
        Half-life of the nuclide that the file gives, in seconds.
    identity : Identity
        Marks that tell whether two images are of one patient, visit and frame of reference.
    administration : Administration
        What the file says of the patient's size and the activity given.
    file_frame : {"RAS", "LPS"}
        Frame in which the file, and programs for its format, give places.
    headers : tuple of pydicom.Dataset
        Whole headers of the DICOM files, where they were asked for: DICOM results are made from
        them. Names of patients stand in them; nothing else is to be.

    Raises
    ------
    InputError
        If the array is not 3-D or complex, or the affine is not an invertible (4, 4) matrix.
    """

    array: NDArray[np.float32]
    affine: NDArray[np.float64]
    modality: Modality = "other"
    unit: Unit = "arbitrary"
    source: str = ""
    warnings: tuple[str, ...] = ()
    nuclide: str = ""
    half_life_s: float | None = None
    identity: Identity = field(default_factory=Identity)
    administration: Administration = field(default_factory=Administration)
    file_frame: Literal["RAS", "LPS"] = "RAS"
    headers: tuple[Dataset, ...] = ()

    def __post_init__(self) -> None:
        array = np.asarray(self.array)
        if array.ndim != 3 or array.dtype.kind not in "fiub":
            raise InputError(
                f"expected a 3-D array of numbers, found shape {array.shape} of {array.dtype}; "
                "pass one scalar volume"
            )
        affine = np.array(self.affine, dtype=np.float64)
        if affine.shape != (4, 4) or not np.all(np.isfinite(affine)):
            raise InputError(
                f"expected a finite 4 x 4 affine, found shape {affine.shape}: {affine.tolist()}; "
                "give the voxel-to-millimetre matrix of the image"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            volume_mm3 = abs(float(np.linalg.det(affine[:3, :3])))
        if not 1e-12 <= volume_mm3 < math.inf:
            raise InputError(
                f"expected an invertible affine, found {affine[:3, :3].tolist()}; "
                "an axis of the image has zero length, so its geometry is unknown"
            )
        object.__setattr__(self, "array", _read_only(array.astype(np.float32, copy=False)))
        object.__setattr__(self, "affine", _read_only(affine))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along each axis, (X, Y, Z)."""
        x, y, z = self.array.shape
        return x, y, z

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxel centres along each axis, in mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0)
        return float(x), float(y), float(z)

    @property
    def voxel_volume_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def same_grid(self, other: Volume) -> bool:
        """Tell whether two volumes have voxels at the same places."""
        return self.shape == other.shape and np.allclose(
            self.affine, other.affine, rtol=0, atol=_SAME_GRID_MM
        )

    def plot(self, at_mm: tuple[float, float, float] | None = None) -> Figure:
        """Draw axial, coronal and sagittal planes and the anterior MIP.

        The patient's right is on the left, as in the clinic; lengths are true. Oblique volumes are
        shown on the nearest axes.

        Parameters
        ----------
        at_mm : (x, y, z), optional
            Place in RAS that the planes hold; the middle of the volume without it. The nearest
            planes, where it lies outside.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        InputError
            If `at_mm` is not a place.
        """
        from fuzzyseg.drawing.figure import draw_images

        return draw_images((self,), at_mm)

    def _repr_html_(self) -> str:
        from fuzzyseg.drawing.html import volume_html

        return volume_html(self)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.shape))
        spacing = " x ".join(f"{s:.3g}" for s in self.spacing_mm)
        return f"Volume({size}, {spacing} mm, {self.modality}, {self.unit})"


@dataclass(frozen=True)
class Registration:
    """How a CT was moved to fit a SPECT.

    Parameters
    ----------
    moved : bool
        Whether it was.
    agreement : (before, after)
        Correlation of both images' bone, from -1 to 1; "after" is what the best position gives,
        also where it was not taken.
    shift_mm : (x, y, z)
        Of the middle of the SPECT's field, in RAS.
    turn_deg : (x, y, z)
        Rotation vector about that middle.
    reason : str
        Why the CT stays where it was; empty where it was moved.
    """

    moved: bool
    agreement: tuple[float, float]
    shift_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For a run's record."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Study:
    """What is segmented together: a SPECT, a CT, or a SPECT and the CT beside it.

    Parameters
    ----------
    spect : Volume, optional
        An emission image (any modality but CT).
    ct : Volume, optional
        A CT; beside a SPECT, on its own grid as it was read or on the SPECT's
        (`fuzzyseg.resample.align`).
    outline_overlap : float, optional
        How well the bodies in both images agree, from 0 to 1: what `align` found.
    registration : Registration, optional
        How the CT was moved: what `fuzzyseg.registration.register` found.

    Raises
    ------
    InputError
        If there is neither, or an image is in the other's place.
    """

    spect: Volume | None = None
    ct: Volume | None = None
    outline_overlap: float | None = None
    registration: Registration | None = None

    def __post_init__(self) -> None:
        if self.spect is None and self.ct is None:
            raise InputError("expected a SPECT, a CT or both, found neither; pass one")
        first = "none" if self.spect is None else self.spect.modality
        if first == "CT" or (self.ct is not None and self.ct.modality != "CT"):
            beside = "none" if self.ct is None else self.ct.modality
            raise InputError(
                f"expected a SPECT and a CT, found modalities {first} and {beside}; "
                "give the emission study first and the CT beside it"
            )

    @classmethod
    def of(cls, image: Volume, ct: Volume | None = None) -> Study:
        """Make the study of one image, put where its modality says, and perhaps a CT beside it."""
        if ct is None and image.modality == "CT":
            return cls(ct=image)
        return cls(spect=image, ct=ct)

    @property
    def image(self) -> Volume:
        """The image whose grid results have: the SPECT, or the CT where there is none."""
        image = self.ct if self.spect is None else self.spect
        assert image is not None  # noqa: S101, checked when it was made
        return image

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Its images, that of `image` first."""
        return tuple(v for v in (self.spect, self.ct) if v is not None)

    @property
    def beside(self) -> Volume | None:
        """The CT beside a SPECT; None where either stands alone."""
        return None if self.spect is None else self.ct

    @property
    def aligned(self) -> bool:
        """Whether all its images have one grid."""
        return all(self.image.same_grid(v) for v in self.volumes)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the readers of its images had to assume, each sentence once."""
        return tuple(dict.fromkeys(w for v in self.volumes for w in v.warnings))

    def plot(self, at_mm: tuple[float, float, float] | None = None) -> Figure:
        """Draw the SPECT above the CT, in planes through the same place of the patient.

        Parameters
        ----------
        at_mm : (x, y, z), optional
            Place in RAS that the planes hold; the middle of `image` without it.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        InputError
            If `at_mm` is not a place.
        """
        from fuzzyseg.drawing.figure import draw_images

        return draw_images(self.volumes, at_mm)

    def _repr_html_(self) -> str:
        from fuzzyseg.drawing.html import study_html

        return study_html(self)


@dataclass(frozen=True)
class Provenance:
    """How a segmentation was made, enough to make it again.

    Parameters
    ----------
    method : str
        Name of the method, as on the command line.
    parameters : mapping
        Every parameter in force, defaults included; JSON-serialisable.
    versions : mapping of str to str
        Version of the package, of Python and of the libraries that computed.
    created : str
        Local time with offset, ISO 8601.
    seconds : float
        Wall time of the computation, in seconds.
    warnings : tuple of str
        What the user should know about this result, one sentence each.
    """

    method: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def model(self) -> str | None:
        """Name of the model, without the folder that it lies in; None of a method without one."""
        model = self.parameters.get("model")
        return Path(model).name if model else None

    @property
    def model_sha256(self) -> str | None:
        """Digest of the model's weights, which tells models of one name apart."""
        return (self.parameters.get("card") or {}).get("sha256") or None


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Fuzzy memberships and hard labels of one volume.

    Parameters
    ----------
    memberships : float32 ndarray of shape (C, X, Y, Z)
        Degree, in [0, 1], to which each voxel belongs to each class; sums to 1 over C.
    labels : uint8 ndarray of shape (X, Y, Z)
        Index into `class_names` of the class a voxel is given to.
    class_names : tuple of str, length C
        Names in order of rising class centre.
    volume : Volume
        The image that was segmented.
    provenance : Provenance
        How it was made.

    Raises
    ------
    InputError
        If the shapes or the number of names do not agree.
    """

    memberships: NDArray[np.float32]
    labels: NDArray[np.uint8]
    class_names: tuple[str, ...]
    volume: Volume
    provenance: Provenance

    def __post_init__(self) -> None:
        expected = (len(self.class_names), *self.volume.shape)
        if self.memberships.shape != expected or self.labels.shape != self.volume.shape:
            raise InputError(
                f"expected memberships {expected} and labels {self.volume.shape}, found "
                f"{self.memberships.shape} and {self.labels.shape}; pass arrays on its grid"
            )
        object.__setattr__(self, "memberships", _read_only(self.memberships))
        object.__setattr__(self, "labels", _read_only(self.labels))

    def plot(self, at_mm: tuple[float, float, float] | None = None) -> Figure:
        """Draw planes and the anterior MIP with the classes' outlines and their volumes in ml.

        Parameters
        ----------
        at_mm : (x, y, z), optional
            Place in RAS that the planes hold. Without it, each is the plane that holds most of
            the highest class that is not empty.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        InputError
            If `at_mm` is not a place.
        """
        from fuzzyseg.drawing.figure import draw_segmentation

        return draw_segmentation(self, at_mm)

    def _repr_html_(self) -> str:
        from fuzzyseg.drawing.html import segmentation_html

        return segmentation_html(self)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.volume.shape))
        return f"Segmentation({', '.join(self.class_names)}; {size}, by {self.provenance.method})"
