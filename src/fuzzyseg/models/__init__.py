"""Models as files: a network's weights, and a card that says what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.lazy import lazily

if TYPE_CHECKING:
    from fuzzyseg.models.card import Card as Card
    from fuzzyseg.models.card import Preprocessing as Preprocessing
    from fuzzyseg.models.locate import bundled_models as bundled_models
    from fuzzyseg.models.model_files import Model as Model
    from fuzzyseg.models.model_files import load_model as load_model
    from fuzzyseg.models.model_files import save_model as save_model

_MODULES = {
    "Card": "card",
    "Model": "model_files",
    "Preprocessing": "card",
    "bundled_models": "locate",
    "load_model": "model_files",
    "save_model": "model_files",
}
__all__ = [*_MODULES]  # noqa: PLE0604
__getattr__, __dir__ = lazily(__name__, _MODULES)
