"""How MONAI runs a model: the `configs/inference.json` of a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fuzzyseg.models.card import Card

_STEPS = "fuzzyseg.interop.monai_workflow"
_CARD = "@_meta_#fuzzyseg_card"  # in metadata.json


def inference_config(card: Card) -> dict[str, Any]:
    """Describe the workflow of a bundle, by the names of MONAI's own.

    `dataset_dir` is the folder of one study, with `spect.nii.gz`, `ct.nii.gz` or both; these,
    `data` and everything else can be given other values when it is run.
    """
    channels = list(card.architecture.channels)
    return {
        "imports": ["$import torch"],
        "bundle_root": ".",
        "dataset_dir": "$@bundle_root + '/study'",
        "output_dir": "$@bundle_root + '/eval'",
        "device": "$torch.device('cuda' if torch.cuda.is_available() else 'cpu')",
        **{name: f"$@dataset_dir + '/{name}.nii.gz'" for name in channels},
        "data": [{name: f"@{name}" for name in channels}],
        "network_def": _step("network_of"),
        "network": "$@network_def.to(@device)",
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "LoadImaged", "keys": channels, "reader": "NibabelReader"},
                {"_target_": "EnsureChannelFirstd", "keys": channels},
                _step("ModelInputd"),
            ],
        },
        "dataset": {"_target_": "Dataset", "data": "@data", "transform": "@preprocessing"},
        "dataloader": {
            "_target_": "DataLoader",
            "dataset": "@dataset",
            "batch_size": 1,
            "shuffle": False,
            "num_workers": 0,
        },
        "inferer": _step("ModelInferer"),
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                _step("OntoImaged"),
                {"_target_": "AsDiscreted", "keys": "pred", "argmax": True},
                {
                    "_target_": "SaveImaged",
                    "keys": "pred",
                    "output_dir": "@output_dir",
                    "output_postfix": "labels",
                    "output_dtype": "$torch.uint8",
                    "resample": False,
                    "separate_folder": False,
                },
            ],
        },
        "evaluator": {
            "_target_": "SupervisedEvaluator",
            "device": "@device",
            "val_data_loader": "@dataloader",
            "network": "@network",
            "prepare_batch": {
                "_target_": "PrepareBatchExtraInput",
                "extra_keys": {"within": "within"},
            },
            "inferer": "@inferer",
            "postprocessing": "@postprocessing",
        },
        "checkpointloader": {
            "_target_": "CheckpointLoader",
            "load_path": "$@bundle_root + '/models/model.pt'",
            "load_dict": {"model": "@network"},
            "map_location": "@device",
        },
        "initialize": ["$@checkpointloader(@evaluator)"],
        "run": ["$@evaluator.run()"],
    }


def _step(name: str) -> dict[str, str]:
    return {"_target_": f"{_STEPS}.{name}", "card": _CARD}
