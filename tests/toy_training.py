"""Patients of three levels and settings that train in seconds."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np

from fuzzyseg.inference.preprocess import channels
from fuzzyseg.training.case import Case, preprocessing
from fuzzyseg.training.config import Config

LEVELS = np.array([1, 10, 40], np.float32)  # of background, bone and lesion
HU = np.array([40, 500, 700], np.float32)
WIDTH_MM = 4.0
QUICK = Config(
    loss="ce",
    filters=4,
    steps=6,
    batch=4,
    patch=12,
    planes=("transverse",),
    augment=False,
    noise=0.0,
    scale=0.0,
    log_every=2,
    validate_every=4,
)


def toy_labels(seed=0, shape=(22, 20, 18)):
    """Label a rod of bone along z that holds a lesion."""
    x, y, z = np.ogrid[tuple(slice(n) for n in shape)]
    rng = np.random.default_rng(seed)
    middle = np.array(shape) / 2 + rng.uniform(-2, 2, 3)
    bone = (x - middle[0]) ** 2 + (y - middle[1]) ** 2 + 0 * z < 36
    lesion = (x - middle[0] - 2) ** 2 + (y - middle[1]) ** 2 + (z - middle[2]) ** 2 < 12
    return np.where(lesion, 2, bone).astype(np.int8)


def toy_image(labels, noise=0.3, levels=LEVELS):
    """Give each class its level, and noise."""
    rng = np.random.default_rng(7)
    image = levels[np.maximum(labels, 0)] + rng.normal(0, noise, labels.shape)
    return image.astype(np.float32)


def toy_case(config=QUICK, labels=None, noise=0.3, seed=0):
    """Make a case in memory, with its activity; the image is that of `labels`, or of a rod."""
    labels = toy_labels(seed) if labels is None else labels
    raw = {"spect": toy_image(labels, noise), "ct": toy_image(labels, noise, HU)}
    raw = {name: raw[name] for name in config.channels}
    return Case(
        name=f"toy-{seed}",
        raw=raw,
        image=channels(raw, preprocessing(config), config.channels),
        labels=np.minimum(labels, np.int8(config.classes - 1)),
        activity=LEVELS[np.maximum(labels, 0)],
        spacing_mm=(WIDTH_MM,) * 3,
        n_classes=config.classes,
    )


def write(path, array, affine=None):
    """Write a NIfTI."""
    affine = np.diag([WIDTH_MM, WIDTH_MM, WIDTH_MM, 1]) if affine is None else affine
    nib.save(nib.Nifti1Image(np.asarray(array), affine), path)
    return path


def write_manifest(folder, n=2):
    """Write toy patients with SPECT, CT, labels and activity, and their manifest."""
    rows = []
    for seed in range(n):
        labels = toy_labels(seed)
        images = {
            "spect": toy_image(labels),
            "ct": toy_image(labels, levels=HU),
            "labels": labels.astype(np.int16),
            "activity": LEVELS[labels],
        }
        rows.append({"name": f"toy-{seed}"})
        for name, array in images.items():
            rows[-1][name] = write(folder / f"{name}-{seed}.nii.gz", array).name
    path = folder / "cases.json"
    path.write_text(json.dumps(rows))
    return path
