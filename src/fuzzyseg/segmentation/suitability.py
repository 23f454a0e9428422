"""Whether a model suits a study: its channels, its voxels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError

if TYPE_CHECKING:
    from fuzzyseg.models.card import Card
    from fuzzyseg.volume import Study, Volume

# Voxels beyond this many times the widths of the training, or below their inverse, are warned
# of: more where images are resampled, since then only their sharpness differs.
_FAR_RESAMPLED, _FAR_NATIVE = 2.0, 1.5
_IMAGES = {"spect": "a SPECT", "ct": "a CT"}


def channel_images(card: Card, study: Study) -> dict[str, Volume]:
    """Find the images of a model's channels in a study.

    Parameters
    ----------
    card : Card
    study : Study

    Returns
    -------
    dict of str to Volume
        Those that the model sees, by channel.

    Raises
    ------
    InputError
        If the model wants others.
    """
    first, *others = card.architecture.channels
    volume, ct = study.image, study.beside
    there = "ct" if volume.modality == "CT" else "spect"
    where = f" in {volume.source}" if volume.source else ""
    if first != there:
        raise InputError(
            f"expected {_IMAGES[first]} for the model {card.name}, found modality "
            f"{volume.modality}{where}; choose a model for {there.upper()}, see fuzzyseg models, "
            "or give the modality of a NIfTI with --modality"
        )
    given = {first: volume}
    if others:
        if ct is None:
            raise InputError(
                f"expected a CT with the SPECT for the model {card.name}, found none; "
                "give it with --ct, or choose a model for SPECT only"
            )
        given["ct"] = ct
    return given


def unused_warnings(card: Card, study: Study) -> list[str]:
    """Say so if a model leaves a CT aside."""
    if study.beside is None or "ct" in card.architecture.channels:
        return []
    return [f"The model {card.name} uses the SPECT alone; the CT tells the density of lesions."]


def spacing_warnings(card: Card, volume: Volume) -> list[str]:
    """Say so if voxels are far from those that the model was trained on."""
    spacing_mm = card.preprocessing.spacing_mm
    trained = card.preprocessing.trained_mm or (spacing_mm and (spacing_mm, spacing_mm))
    if not trained:
        return []
    far = _FAR_NATIVE if spacing_mm is None else _FAR_RESAMPLED
    widths = volume.spacing_mm
    # A finer CT that is resampled loses nothing; a finer SPECT is one of another camera.
    fine = min(widths) * far >= trained[0] or (card.task == "ct" and spacing_mm is not None)
    if fine and max(widths) <= trained[1] * far:
        return []
    found = " x ".join(f"{w:.3g}" for w in widths)
    expected = " to ".join(f"{w:.3g}" for w in dict.fromkeys(trained))
    return [
        f"Voxels of {found} mm are far from the {expected} mm that the model {card.name} was "
        "trained on: look at the preview."
    ]
