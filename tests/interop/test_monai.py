"""Losses in MONAI's trainer, and models as bundles that MONAI verifies and runs."""

import json
from importlib.util import find_spec

import nibabel as nib
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from tiny_models import tiny_model, write_tiny

from fuzzyseg.cli.main import main
from fuzzyseg.interop.monai_batch import image_and_label
from fuzzyseg.interop.monai_bundle import Rights, write_bundle
from fuzzyseg.io import write_image
from fuzzyseg.losses import LOSSES, CrossEntropyLoss, DiceLoss, Semi, get_loss
from fuzzyseg.models.card import Preprocessing
from fuzzyseg.models.locate import bundled_models
from fuzzyseg.models.model_files import save_model
from fuzzyseg.segmentation import Settings, segment
from fuzzyseg.volume import Study, Volume

pytestmark = [
    # Looked for, not imported: that takes seconds, in every process that collects this file.
    pytest.mark.skipif(find_spec("monai") is None, reason='needs pip install "fuzzyseg[monai]"'),
    pytest.mark.filterwarnings("ignore"),  # MONAI's own, of its imports and of what it parses
]


def batches(*, one_hot=False, label_is_image=False):
    """Two batches of two images of 16 x 16, with classes that follow their intensities."""
    image = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    label = (image * 3).long().clamp(max=2)
    if one_hot:
        label = torch.nn.functional.one_hot(label[:, 0], 3).movedim(-1, 1)
    label = image if label_is_image else label.float()
    return [{"image": i, "label": g} for i, g in zip(image, label, strict=True)]


def trained(loss, cases, prepare_batch=None):
    """Network after an epoch of MONAI's trainer, and the losses of its steps."""
    from monai.data import DataLoader, Dataset
    from monai.engines import IterationEvents, SupervisedTrainer
    from monai.transforms import ToTensord

    torch.manual_seed(0)
    network = torch.nn.Conv2d(1, 3, 3, padding=1)
    tensors = ToTensord(["image", "label"], track_meta=True)  # MetaTensors, as MONAI loads them
    losses = []
    trainer = SupervisedTrainer(
        device="cpu",
        max_epochs=1,
        train_data_loader=DataLoader(Dataset(cases, tensors), batch_size=2),
        network=network,
        optimizer=torch.optim.SGD(network.parameters(), 0.1),
        loss_function=loss,
        **({"prepare_batch": prepare_batch} if prepare_batch else {}),
    )
    trainer.add_event_handler(
        IterationEvents.LOSS_COMPLETED, lambda engine: losses.append(engine.state.output["loss"])
    )
    trainer.run()
    return network, losses


@pytest.mark.parametrize("one_hot", [False, True], ids=["index", "one-hot"])
@pytest.mark.parametrize("include_background", [True, False])
def test_an_epoch_with_dice_and_cross_entropy_gives_what_monais_own_gives(
    include_background, one_hot
):
    from monai.losses import DiceCELoss

    theirs = DiceCELoss(
        include_background=include_background, softmax=True, to_onehot_y=not one_hot
    )
    ours = Semi(DiceLoss(include_background=include_background), CrossEntropyLoss())
    cases = batches(one_hot=one_hot)
    expected, _ = trained(theirs, cases)
    found, _ = trained(lambda output, both: ours(output, *both), cases, image_and_label)
    torch.testing.assert_close(found.weight, expected.weight, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("one_hot", [False, True], ids=["index", "one-hot"])
@pytest.mark.parametrize("name", list(LOSSES))
def test_every_loss_trains_in_monais_trainer(name, one_hot):
    entry, loss = LOSSES[name], get_loss(name)
    cases = batches(one_hot=one_hot, label_is_image=not entry.labels)
    both = entry.image and entry.labels
    network, losses = trained(
        (lambda output, both: loss(output, *both)) if both else loss,
        cases,
        image_and_label if both else None,
    )
    torch.manual_seed(0)
    before = torch.nn.Conv2d(1, 3, 3, padding=1)
    image, label = (torch.stack([c[key] for c in cases[:2]]) for key in ("image", "label"))
    first = loss(before(image), image, label) if both else loss(before(image), label)
    assert losses[0].item() == pytest.approx(first.item(), rel=1e-5)
    assert len(losses) == 2
    assert not torch.equal(network.weight, before.weight)


def patient():
    """A SPECT, and a CT with a body of bone and soft tissue on a grid of its own."""
    noise = np.random.default_rng(0).normal(0, 1, (16, 14, 12))
    smooth = gaussian_filter(noise, 1.5) * 5
    hu = np.full((40, 36, 24), -1000.0, np.float32)
    hu[6:34, 6:30] = 40 + 300 * np.kron(smooth, np.ones((2, 2, 2)))[:28, :24]
    ct = np.diag([-2.2, 2.2, 2.2, 1.0])
    ct[:3, 3] = [80.0, -2.0, 1.0]
    spect = np.diag([-4.4, 4.4, 4.4, 1.0])
    spect[0, 3] = 75.0
    return Study(
        Volume((50 * np.exp(smooth)).astype(np.float32), spect, "NM", "counts"),
        Volume(np.round(hu), ct, "CT", "HU"),
    )


TENSOR = {
    "type": "object",
    "required": ["type", "format", "num_channels", "spatial_shape", "dtype", "value_range"],
    "properties": {
        "num_channels": {"type": "integer"},
        "spatial_shape": {"type": "array", "items": {"type": ["string", "integer"]}},
        "value_range": {"type": "array", "items": {"type": "number"}},
        "channel_def": {"type": "object"},
    },
}
TEXTS = [
    *("schema", "version", "monai_version", "pytorch_version", "numpy_version"),
    *("task", "description", "authors", "copyright"),
]
# What the MONAI Bundle Specification demands. MONAI fetches its schema, which tests do not.
SCHEMA = {
    "type": "object",
    "required": [*TEXTS, "required_packages_version", "network_data_format"],
    "properties": {
        **{name: {"type": "string"} for name in (*TEXTS, "data_source", "data_type")},
        **{name: {"type": "string"} for name in ("image_classes", "pred_classes", "intended_use")},
        **{n: {"type": "object"} for n in ("changelog", "required_packages_version")},
        "eval_metrics": {"type": "object"},
        "references": {"type": "array", "items": {"type": "string"}},
        "network_data_format": {
            "required": ["inputs", "outputs"],
            "additionalProperties": {"type": "object", "additionalProperties": TENSOR},
        },
    },
}


@pytest.mark.parametrize(
    ("task", "shape"),
    [
        ("spect", {"seed": 1, "context": 1, "planes": ("transverse", "coronal")}),
        ("spect-ct", {"dims": 3, "network": "shuffle-unet"}),
        ("ct", {"seed": 4, "preprocessing": Preprocessing(spacing_mm=3.0)}),
    ],
)
def test_a_bundle_is_verified_by_monai_and_gives_the_labels_of_segment(task, shape, tmp_path):
    from monai.bundle import run, verify_metadata, verify_net_in_out

    study, options = patient(), {"preprocessing": Preprocessing(spacing_mm=4.0)} | shape
    write_image(tmp_path / "spect.nii.gz", study.spect)
    write_image(tmp_path / "ct.nii.gz", study.ct)
    model = save_model(tiny_model(task, **options), tmp_path / task)
    bundle = tmp_path / "bundle"
    write_bundle(model, bundle, Rights("Somebody", "Do as you like."))
    config, meta = (str(bundle / "configs" / f"{n}.json") for n in ("inference", "metadata"))
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    verify_metadata(meta_file=meta, filepath=str(tmp_path / "schema.json"))
    verify_net_in_out("network_def", meta_file=meta, config_file=config, any=8)
    run(
        config_file=config,
        bundle_root=str(bundle),
        dataset_dir=str(tmp_path),
        output_dir=str(tmp_path / "out"),
    )
    given = {"spect": (study.spect,), "ct": (study.ct,), "spect-ct": (study.spect, study.ct)}
    expected = segment(Study.of(*given[task]), Settings(model=str(tmp_path / task), engine="torch"))
    (written,) = (tmp_path / "out").iterdir()
    found = nib.load(written)
    np.testing.assert_array_equal(np.asarray(found.dataobj), expected.labels)
    np.testing.assert_allclose(found.affine, expected.volume.affine, atol=1e-5)
    assert len(np.unique(expected.labels)) == len(expected.class_names)


def test_a_bundle_of_ones_own_model_says_who_made_it(tmp_path, capsys):
    write_tiny(tmp_path)
    out, model = tmp_path / "bundle", str(tmp_path / "spect")
    call = ["export", model, "-o", str(out), "--format", "monai-bundle"]
    assert main(call) == 2
    assert "name them with --authors" in capsys.readouterr().err
    assert not out.exists()
    assert main([*call, "--authors", "A. Nyone"]) == 0
    described = json.loads((out / "configs" / "metadata.json").read_text())
    assert described["authors"] == "A. Nyone"
    assert described["data_source"] == "nothing"
    assert not (out / "LICENSE").exists()
    terms = tmp_path / "terms.txt"
    terms.write_text("Ask first.")
    more = ["--authors", "A. Nyone", "--license", str(terms)]
    assert main([*call, *more]) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*call, *more, "--force"]) == 0
    assert (out / "LICENSE").read_text() == "Ask first."


@pytest.mark.parametrize("name", bundled_models())
def test_a_bundle_of_a_bundled_model_is_verified_and_has_the_packages_licence(name, tmp_path):
    from monai.bundle import verify_metadata

    out = tmp_path / "bundle"
    assert main(["export", name, "-o", str(out), "--format", "monai-bundle"]) == 0
    meta, schema = out / "configs" / "metadata.json", tmp_path / "schema.json"
    schema.write_text(json.dumps(SCHEMA))
    verify_metadata(meta_file=str(meta), filepath=str(schema))
    described = json.loads(meta.read_text())
    assert described["authors"] == "The fuzzyseg authors"
    assert (out / "LICENSE").read_text().startswith("MIT License")
