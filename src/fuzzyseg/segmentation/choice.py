"""Which method and model a study gets, where the settings leave it open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.models.locate import default_model
from fuzzyseg.segmentation.methods import OF_MODELS
from fuzzyseg.segmentation.settings import Settings, given

if TYPE_CHECKING:
    from fuzzyseg.volume import Volume


def resolved(settings: Settings, volume: Volume, ct: Volume | None = None) -> Settings:
    """Fill in the method and the model.

    Parameters
    ----------
    settings : Settings
    volume : Volume
    ct : Volume, optional

    Returns
    -------
    Settings
        Its method is no longer "auto", and with "model" its model is named.

    Raises
    ------
    InputError
        If a model is given for another method, or none fits.
    """
    method, model = settings.method, settings.model
    if method not in {"auto", "model"}:
        if model is not None:
            raise InputError(
                f"expected the method model for the model {model!r}, found {method}; "
                "leave out one of the two"
            )
        return settings
    if model is None:
        model = fitting_model(volume, ct)
        of_clustering = {*given(settings)} - {"method", "jobs", *OF_MODELS}
        if method == "auto" and (model is None or of_clustering):
            return replace(settings, method="rfcm")
        if model is None:
            raise InputError(
                f"expected a bundled model for {_kind(volume, ct)}, found none; give the path of "
                "one with --model, or choose the method rfcm"
            )
    return replace(settings, method="model", model=model)


def fitting_model(volume: Volume, ct: Volume | None = None) -> str | None:
    """Name of the bundled model for a study; for SPECT with CT, if need be, that for SPECT."""
    if volume.modality == "CT":
        return default_model("ct")
    beside = default_model("spect-ct") if ct is not None else None
    return beside or default_model("spect")


def _kind(volume: Volume, ct: Volume | None) -> str:
    if volume.modality == "CT":
        return "CT"
    return "SPECT" if ct is None else "SPECT with CT"
