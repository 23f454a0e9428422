"""How large a reproduction is."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Preset:
    """Numbers of patients, size of scans, length of trainings.

    Parameters
    ----------
    about : str
        One line for people; what is small about it.
    train, choose, test : int
        Patients of the paper's kind: to train on, to choose weights and settings, to report.
    stand_in_choose, stand_in_test : int
        Patients of the clinical stand-in.
    ct_test : int
        Simulated CTs, where no folder of real ones is given.
    axial : (float, float)
        Part of the body, from mid-thigh (0) to the vertex (1).
    views, stand_in_views : int
        Of the two scanners.
    fine : bool
        Simulate on finer voxels than those of the reconstruction.
    steps : int
        Most steps of a training.
    validate_every, patience : int
        A training ends after `patience` validations, `validate_every` steps apart, without a
        better one; 0: it takes all its steps.
    batch, patch, filters : int
        Patches a step, their width in voxels, features of a layer.
    lr : float
    seeds : int
        Trainings of each row of Tables II, IV, V and VI.
    betas, alphas : tuple of float
        Of Fig. 3 and Fig. 11.
    labelled : tuple of int
        Numbers of training patients with labels, beyond the paper.
    dims : bool
        Whether to train a 3-D network too.
    ascent : int
        Steps of activation maximisation.
    """

    about: str
    train: int
    choose: int
    test: int
    stand_in_choose: int
    stand_in_test: int
    ct_test: int
    axial: tuple[float, float]
    views: int
    stand_in_views: int
    fine: bool
    steps: int
    validate_every: int
    patience: int
    batch: int
    patch: int
    filters: int
    lr: float
    seeds: int
    betas: tuple[float, ...]
    alphas: tuple[float, ...]
    labelled: tuple[int, ...]
    dims: bool
    ascent: int


_BETAS = (0.0, 0.0004, 0.0008, 0.0012, 0.0016)
_QUICK = Preset(
    "small, to check that everything runs: 4 training patients, from thigh to lumbar spine, 60 "
    "views, 600 steps with 8 filters, one seed; its figures do not show what the method can do",
    train=4, choose=2, test=3, stand_in_choose=1, stand_in_test=3, ct_test=2,
    axial=(0.1, 0.45), views=60, stand_in_views=60, fine=False,
    steps=600, validate_every=150, patience=0, batch=12, patch=32, filters=8, lr=1e-2,
    seeds=1, betas=(0.0, 0.0008, 0.0016), alphas=(0.01, 0.1, 1.0), labelled=(0, 1, 4),
    dims=False, ascent=60,
)  # fmt: skip
PRESETS: dict[str, Preset] = {
    "quick": _QUICK,
    "hour": replace(
        _QUICK,
        about="as quick, but 1,000 steps, three seeds, all betas and a 3-D network: two core hours",
        steps=1000,
        validate_every=250,
        seeds=3,
        betas=_BETAS,
        dims=True,
    ),
    "full": Preset(
        "the paper's numbers of patients, whole bodies, 256 and 120 views, trainings until the "
        "validation curve is flat, three seeds",
        train=9, choose=3, test=6, stand_in_choose=2, stand_in_test=9, ct_test=6,
        axial=(0.0, 1.0), views=256, stand_in_views=120, fine=True,
        steps=6000, validate_every=500, patience=4, batch=16, patch=48, filters=16, lr=5e-3,
        seeds=3, betas=_BETAS, alphas=(0.0, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0, 3.0),
        labelled=(0, 1, 3, 9), dims=True, ascent=300,
    ),
    "tiny": Preset(
        "for tests: takes seconds, its figures mean nothing",
        train=2, choose=1, test=2, stand_in_choose=1, stand_in_test=2, ct_test=1,
        axial=(0.15, 0.22), views=20, stand_in_views=20, fine=False,
        steps=2, validate_every=1, patience=0, batch=2, patch=8, filters=5, lr=1e-2,
        seeds=1, betas=(0.0, 0.0008), alphas=(0.1,), labelled=(0, 1), dims=False, ascent=2,
    ),
}  # fmt: skip
