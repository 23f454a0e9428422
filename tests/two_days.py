"""A drawn body on two days: it lies elsewhere, and some of its lesions have changed."""

import numpy as np
from scipy import ndimage
from scipy.spatial.transform import Rotation

from fuzzyseg.follow_up.day import Day
from fuzzyseg.quantification import Measuring, quantify
from fuzzyseg.volume import Provenance, Segmentation, Volume

MM = 6.0
SHAPE = (64, 46, 76)
BONE, TISSUE = 8e3, 1e3  # Bq/mL
# Of each lesion: centre in the body's own mm, then radius in mm and times bone on both days.
LESIONS = {
    "same": ((0, -54, 60), (12, 12), (4, 4)),
    "grown": ((80, 0, 140), (10, 15), (4, 4)),
    "cooler": ((-80, 0, 140), (12, 12), (6, 2)),
    "gone": ((70, 0, -110), (11, None), (4, None)),
    "new": ((-70, 0, -110), (None, 11), (None, 4)),
    "merged": ((0, -54, 170), (10, 10), (4, 4)),
    "merged too": ((0, -54, 140), (10, 10), (4, 4)),
    "between": ((0, -54, 155), (None, 12), (None, 4)),
}
TURN_DEG, SHIFT_MM = (2.0, -3.0, 4.0), (31.0, -18.0, 67.0)
BASELINE, FOLLOW_UP = 0, 1


def later_from_body():
    """Motion (4, 4) of the body from the first day to the second."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_rotvec(np.radians(TURN_DEG)).as_matrix()
    matrix[:3, 3] = SHIFT_MM
    return matrix


def grid(day):
    """Affine of the field, whose middle is near the body's on either day."""
    affine = np.diag([MM, MM, MM, 1.0])
    affine[:3, 3] = -MM * (np.array(SHAPE) - 1) / 2
    if day == FOLLOW_UP:
        affine[:3, 3] += SHIFT_MM + np.array([7.0, -5.0, 20.0])
    return affine


def drawn_day(day, *, injected_mbq=700.0, with_ct=True, person=True, stranger=False):
    """One of the days, as it is segmented by its true labels; uptake follows what was given."""
    affine = grid(day)
    index = np.indices(SHAPE).reshape(3, -1)
    places = affine[:3, :3] @ index + affine[:3, 3:]
    if day == FOLLOW_UP:
        back = np.linalg.inv(later_from_body())
        places = back[:3, :3] @ places + back[:3, 3:]
    x, y, z = places
    # A trunk with a spine, ribs and hips, none alike in front and behind, above and below.
    body = (x / 150) ** 2 + (y / 100) ** 2 < 1
    spine = (x**2 + (y + 54) ** 2 < 20**2) & (np.mod(z, 42) < 32)
    ribs = np.abs(np.hypot(x / 1.4, y) - 78) < 6
    ribs &= (np.mod(z + y / 4, 48) < 16) & (z > 20) & (z < 190)
    hips = (np.hypot(np.abs(x) - 72, y) < 26) & (np.abs(z + 110) < 32)
    bone = spine | ribs | hips
    if stranger:  # bone in other places
        noise = np.random.default_rng(0).normal(size=SHAPE)
        bone = body & (ndimage.gaussian_filter(noise, 2.5).ravel() > 0.04)
    uptake = np.where(bone, BONE, np.where(body, TISSUE, 0.0))
    lesion = np.zeros(len(x), bool)
    for centre, radii, heats in LESIONS.values():
        if radii[day] is not None:
            inside = ((places.T - centre) ** 2).sum(axis=1) < radii[day] ** 2
            uptake[inside] = heats[day] * BONE
            lesion |= inside
    labels = np.where(lesion, 2, np.where(bone, 1, 0)).reshape(SHAPE).astype(np.uint8)
    image = (uptake * injected_mbq / 700).reshape(SHAPE).astype(np.float32)
    volume = Volume(image, affine, "NM", "Bq/mL")
    hu = np.where(bone, 500.0, np.where(body, 40.0, -1000.0)).reshape(SHAPE)
    ct = Volume(hu, affine, "CT", "HU") if with_ct else None
    u = np.stack([labels == k for k in range(3)]).astype(np.float32)
    made = Provenance("drawn")
    segmentation = Segmentation(u, labels, ("background", "bone", "lesion"), volume, made)
    known = {"weight_kg": 70.0, "injected_mbq": injected_mbq, "uptake_min": 180.0}
    measuring = Measuring(**known) if person else Measuring()
    return Day.of(
        segmentation, quantify(segmentation, ct=ct, measuring=measuring), ct
    ), segmentation
