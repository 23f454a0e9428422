"""Segmentation of a study, by whichever method."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fuzzyseg.body import patient_only
from fuzzyseg.conventions import CLASSES
from fuzzyseg.models.locate import card_of
from fuzzyseg.registration import register
from fuzzyseg.resample import align
from fuzzyseg.segmentation.choice import choice_warnings, resolved
from fuzzyseg.segmentation.classical import cluster
from fuzzyseg.segmentation.domain import bone_scan_domain, result_domain
from fuzzyseg.segmentation.intensities import check_segmentable
from fuzzyseg.segmentation.settings import Settings, check_read, check_settings
from fuzzyseg.segmentation.typical_memberships import statistics, typical_domain
from fuzzyseg.volume import Study

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fuzzyseg.volume import Segmentation, Volume


def segment(
    study: Study | Volume,
    settings: Settings | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Segmentation:
    """Segment a study.

    Parameters
    ----------
    study : Study or Volume
        A SPECT, a CT, or both; the CT beside a SPECT is brought onto its grid
        (`fuzzyseg.resample.align`) and used together with it, moved to fit it first if the
        settings say so (`fuzzyseg.registration.register`).
    settings : Settings
    progress : callable, optional
        Called with (done, total) by a network.

    Returns
    -------
    Segmentation
        On the grid of `study.image`. Memberships sum to 1 in every voxel; what the mask of a
        clustering leaves out is background.

    Raises
    ------
    InputError
        If an image is too small, constant or not finite, a setting is out of range or not
        read by its method, the images do not belong together, or the model wants others.
    """
    settings = settings or Settings()
    check_settings(settings)
    study = study if isinstance(study, Study) else Study.of(study)
    study = prepared(study, move_ct=settings.register)
    told = choice_warnings(settings, study)
    settings = resolved(settings, study)
    check_read(settings)
    if settings.method != "model":
        return _judged(cluster(study, settings), study)
    from fuzzyseg.segmentation.learned import segment_with_model

    found = segment_with_model(study, settings, progress=progress)
    return _judged(found, study, settings.model, told)


def prepared(study: Study, *, move_ct: bool = True) -> Study:
    """Check the images of a study and bring them together: the first thing that `segment` does.

    Parameters
    ----------
    study : Study
        Its images may lie on any grids.
    move_ct : bool
        Register a CT beside a SPECT first.

    Raises
    ------
    InputError
        If an image is too small, constant or not finite, or the images do not belong together.
    """
    for volume in study.volumes:
        check_segmentable(volume)
    if move_ct:
        study = register(study)
    return patient_only(align(study))


def _judged(
    segmentation: Segmentation,
    study: Study,
    model: str | None = None,
    told: Sequence[str] = (),
) -> Segmentation:
    """Add whether image and result are what is usual to what a result says of itself."""
    made = segmentation.provenance
    parameters, found = dict(made.parameters), []
    if study.spect is not None:
        found.append(bone_scan_domain(study.spect, study.ct))
        if segmentation.class_names == CLASSES:
            found.append(result_domain(segmentation.labels, study.spect.voxel_volume_ml))
    card = None if model is None else card_of(model)
    if card is not None and card.typical.patients:
        parameters["memberships"] = statistics(segmentation)
        found.append(typical_domain(parameters["memberships"], card))
    if not found:
        return segmentation
    parameters["out_of_domain"] = max(d.score for d in found)
    warnings = (*told, *made.warnings, *(text for d in found for text in d.warnings))
    return replace(segmentation, provenance=replace(made, parameters=parameters, warnings=warnings))
