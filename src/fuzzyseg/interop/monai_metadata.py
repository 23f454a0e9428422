"""What a MONAI bundle says of its model: metadata.json and a README, all from the card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fuzzyseg.interop.monai_bundle import Rights
    from fuzzyseg.models.card import Card
    from fuzzyseg.models.model_files import Model

SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_20240725.json"
)
_SEEN = {"spect": "a bone SPECT", "spect-ct": "a bone SPECT and the CT beside it", "ct": "a CT"}
_PAPER = (
    "Chen J, Li Y, Luna LP, et al. Learning fuzzy clustering for SPECT/CT segmentation via "
    "convolutional neural networks. Med Phys 2021;48:3860. doi:10.1002/mp.14903"
)
_USE = "Research alone: no medical device, and no diagnosis should rest on it."


def bundle_metadata(
    model: Model, card: Mapping[str, Any], rights: Rights, versions: Mapping[str, str]
) -> dict[str, Any]:
    """Describe a bundle by the keys of MONAI's schema `SCHEMA`.

    Parameters
    ----------
    model : Model
    card : mapping
        The model's, as JSON has it; it goes in whole, as "fuzzyseg_card".
    rights : Rights
    versions : mapping of str to str
        Of the packages that run it, by name.
    """
    made = dict(versions)
    core = {
        f"{called}_version": made.pop(name)
        for called, name in (("monai", "monai"), ("pytorch", "torch"), ("numpy", "numpy"))
    }
    classes = model.card.architecture.classes
    data = model.card.training.get("data")
    return {
        "schema": SCHEMA,
        "version": model.card.version,
        "changelog": {model.card.version: f"as fuzzyseg {made['fuzzyseg']} exports it"},
        **core,
        "required_packages_version": made,
        "name": model.card.name,
        "task": _task(model.card),
        "description": _description(model.card),
        "authors": rights.authors,
        "copyright": f"Copyright (c) {rights.authors}",
        **({"data_source": data} if isinstance(data, str) else {}),
        "data_type": "nibabel",
        "image_classes": f"{_SEEN[model.card.task]}, in channels as fuzzyseg_card says",
        "pred_classes": ", ".join(f"{k} {name}" for k, name in enumerate(classes)),
        "eval_metrics": dict(model.card.metrics),
        "intended_use": _USE,
        "references": [_PAPER],
        "network_data_format": _network_io(model.card),
        "fuzzyseg_card": dict(card),
    }


def bundle_readme(model: Model, rights: Rights) -> str:
    """Tell people what a bundle is and how it is run."""
    card = model.card
    files = " and ".join(f"`{name}.nii.gz`" for name in card.architecture.channels)
    return f"""# {card.name}

{_task(card)}. {_description(card)}

{_USE} By {rights.authors}; written by `fuzzyseg export`.

## Run

```sh
pip install "fuzzyseg[monai]"
python -m monai.bundle run --config_file configs/inference.json --bundle_root . \\
  --dataset_dir STUDY --output_dir OUT
```

`STUDY` holds {files}{" (in HU)" if "ct" in card.architecture.channels else ""}; other names are
given as {" and ".join(f"`--{name} FILE`" for name in card.architecture.channels)}. The labels are
those of `fuzzyseg segment`, which also measures and reports.

How intensities and grid are prepared stands in `configs/metadata.json`, "fuzzyseg_card", with what
the model was trained on and how well it does.
"""


def _task(card: Card) -> str:
    found = " and ".join(card.architecture.classes[1:])
    return f"Segmentation of {found} in {_SEEN[card.task]}"


def _description(card: Card) -> str:
    a = card.architecture
    kind = "volumes" if a.dims == 3 else "slices"
    return (
        f"A network of {kind} ({a.network}, {a.filters} filters) gives each voxel its memberships "
        f"in {', '.join(a.classes)}."
    )


def _network_io(card: Card) -> dict[str, Any]:
    """Tensors into and out of the network itself, before the softmax."""
    a = card.architecture
    around = range(-a.context, a.context + 1)
    inputs = [f"{name}, slice {i:+d}" if i else name for name in a.channels for i in around]

    def tensor(kind: str, channels: list[str]) -> dict[str, Any]:
        return {
            "type": "image",
            "format": kind,
            "num_channels": len(channels),
            "spatial_shape": ["*"] * a.dims,
            "dtype": "float32",
            "value_range": [],  # unbounded
            "is_patch_data": False,
            "channel_def": {str(k): name for k, name in enumerate(channels)},
        }

    return {
        "inputs": {"image": tensor("magnitude", inputs)},
        "outputs": {"pred": tensor("logits", list(a.classes))},
    }
