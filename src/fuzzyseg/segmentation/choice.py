"""Which method and model a study gets, where the settings leave it open."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fuzzyseg.errors import InputError
from fuzzyseg.models.locate import default_model
from fuzzyseg.registration import unregistered
from fuzzyseg.segmentation.methods import OF_ALL, OF_MODELS
from fuzzyseg.segmentation.settings import Settings, given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzzyseg.volume import Study


def resolved(settings: Settings, study: Study) -> Settings:
    """Fill in the method and the model.

    Parameters
    ----------
    settings : Settings
    study : Study

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
                "leave one of them out"
            )
        return settings
    if model is None:
        model = fitting_model(study)
        if method == "auto" and (model is None or _of_clustering(settings)):
            return replace(settings, method="rfcm")
        if model is None:
            raise InputError(
                f"expected a bundled model for {_kind(study)}, found none; give the path of "
                "one with --model, or choose the method rfcm"
            )
    return replace(settings, method="model", model=model)


def fitting_model(study: Study) -> str | None:
    """Name of the bundled model for a study.

    A CT that could not be registered would draw the borders of bone where they are not: such a
    SPECT gets the model for SPECT alone.
    """
    if study.spect is None:
        return default_model("ct")
    beside = default_model("spect-ct") if _fits(study) else None
    return beside or default_model("spect")


def choice_warnings(settings: Settings, study: Study) -> list[str]:
    """Say so if a CT has no say in which model a study gets, because it could not be registered.

    Parameters
    ----------
    settings : Settings
        As the user gave them.
    study : Study
        After registration.
    """
    left_open = settings.model is None and settings.method in {"auto", "model"}
    if not left_open or _of_clustering(settings) or not unregistered(study):
        return []
    model = fitting_model(study)
    if model is None or default_model("spect-ct") is None:
        return []
    return [
        f"The model is {model}, not spect-ct, because the CT could not be registered "
        f"({unregistered(study)}); --no-register uses the CT as it lies."
    ]


def _fits(study: Study) -> bool:
    """Whether there is a CT that lies on the SPECT, as far as is known."""
    return study.ct is not None and not unregistered(study)


def by_what(settings: Settings, summary: Mapping[str, Any]) -> str:
    """Name the model or method of a result's `summary`, and why it is no model where one was."""
    method = summary["method"]
    if method == "model":
        return f"the model {summary['parameters']['model']}"
    options = [f"--{name.replace('_', '-')}" for name in _of_clustering(settings)]
    if settings.method != "auto" or not options:
        return f"the method {method}"
    belong = "belongs" if len(options) == 1 else "belong"
    return f"the method {method}, since {', '.join(options)} {belong} to clustering"


def _of_clustering(settings: Settings) -> list[str]:
    return [name for name in given(settings) if name not in {*OF_ALL, *OF_MODELS}]


def _kind(study: Study) -> str:
    if study.spect is None:
        return "CT"
    return "SPECT" if study.ct is None else "SPECT with CT"
