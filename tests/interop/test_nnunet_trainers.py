"""Our losses in nnU-Net's trainers, and a data set of ours through planning and training."""

import multiprocessing
from importlib import metadata
from importlib.util import find_spec
from multiprocessing.pool import ThreadPool
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fuzzyseg.cli.main import main
from fuzzyseg.errors import InputError
from fuzzyseg.interop import nnunet_trainers
from fuzzyseg.interop.nnunet_loss import WithImage, at_scale, check_labels
from fuzzyseg.io import write_image, write_labels
from fuzzyseg.losses import Centres, SemiRFCMLoss, fcm_label_loss
from fuzzyseg.volume import Volume

NUMBER = "7"


def test_the_image_of_each_scale_is_the_mean_over_its_voxels():
    image = torch.rand(2, 1, 8, 4, 6)
    found = at_scale(image, torch.zeros(2, 3, 4, 2, 3))
    torch.testing.assert_close(found, torch.nn.functional.avg_pool3d(image, 2))
    loss = WithImage(SemiRFCMLoss(centres=Centres("batch")))
    output, target = torch.randn(2, 3, 4, 2, 3), torch.zeros(2, 1, 4, 2, 3)
    with pytest.raises(RuntimeError, match="image"):
        loss(output, target)
    loss.image = image
    torch.testing.assert_close(loss(output, target), loss.loss(output, found, target))


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"has_regions": True, "all_regions": [(1, 2), 2]}, "exclude each other, found regions"),
        ({"has_regions": False, "foreground_labels": []}, "beside the background, found none"),
    ],
)
def test_labels_that_no_loss_of_ours_can_take_are_refused(labels, found):
    with pytest.raises(InputError, match=found):
        check_labels(SimpleNamespace(**labels), "Dataset007_Bone")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """nnU-Net's folders, and a tiny cohort in the raw one: two labelled cases, one without."""
    root = tmp_path_factory.mktemp("nnunet")
    rng = np.random.default_rng(0)
    lines = ["name,spect,labels"]
    for n in range(3):
        labels = np.zeros((16, 16, 16), np.uint8)
        labels[4:12, 4:12], labels[6:9, 6:9, 6:9] = 1, 2
        counts = rng.poisson(10 + 20 * labels.astype(float) ** 2).astype(np.float32)
        image = Volume(counts, np.diag([4.0, 4.0, 4.0, 1.0]), "NM", "counts")
        write_image(root / f"spect{n}.nii.gz", image)
        write_labels(root / f"labels{n}.nii.gz", labels, image)
        lines.append(f"case {n},spect{n}.nii.gz," + (f"labels{n}.nii.gz" if n < 2 else ""))
    (root / "cohort.csv").write_text("\n".join(lines))
    raw = str(root / "raw")
    assert main(["export-nnunet", str(root / "cohort.csv"), "-o", raw, "--number", NUMBER]) == 0
    with pytest.MonkeyPatch.context() as patch:
        for name in ("raw", "preprocessed", "results"):
            patch.setenv(f"nnUNet_{name}", str(root / name))
        patch.setenv("nnUNet_n_proc_DA", "1")
        patch.setenv("nnUNet_extTrainer", nnunet_trainers.__path__[0])
        yield root


@pytest.fixture(scope="module")
def planned(folders):
    """The same, planned and preprocessed: by threads, as processes would import nnU-Net again."""
    from nnunetv2.experiment_planning.dataset_fingerprint import fingerprint_extractor
    from nnunetv2.experiment_planning.plan_and_preprocess_api import (
        extract_fingerprint_dataset,
        plan_experiments,
        preprocess,
    )

    class Extractor(fingerprint_extractor.DatasetFingerprintExtractor):
        def __init__(self, *args, **how):
            super().__init__(*args, **how)
            self.num_foreground_voxels_for_intensitystats = 1e4  # of 1e8, which take seconds

    with pytest.MonkeyPatch.context() as patch:
        threads = SimpleNamespace(Pool=ThreadPool)
        patch.setattr(multiprocessing, "get_context", lambda *_: threads)
        extract_fingerprint_dataset(int(NUMBER), Extractor, 1, check_dataset_integrity=True)
        plan_experiments([int(NUMBER)])
        preprocess([int(NUMBER)], configurations=["2d"], num_processes=[1])
    if torch.__version__.endswith("+cpu") and "+" not in metadata.version("torchvision"):
        # nnU-Net imports it, but uses none of these operators, which its CUDA build has not got
        # without CUDA.
        for name in ("nms", "qnms"):
            torch.library.define(f"torchvision::{name}", "(Tensor a, Tensor b, float c) -> Tensor")
    return folders


@pytest.fixture
def trainer_of(planned, monkeypatch):
    """Function from a name to the trainer that nnU-Net finds by it."""

    def find(name):
        from nnunetv2.run.run_training import get_trainer_from_args

        monkeypatch.setenv("nnUNet_n_proc_DA", "0")  # batches are made in this process
        return get_trainer_from_args(NUMBER, "2d", "all", name, device=torch.device("cpu"))

    return find


needs_nnunet = pytest.mark.skipif(
    find_spec("nnunetv2") is None, reason='needs pip install "fuzzyseg[nnunet]"'
)
quiet = pytest.mark.filterwarnings("ignore")  # nnU-Net's own


@needs_nnunet
@quiet
def test_nnunet_weighs_scales_as_those_of_its_own_loss(trainer_of):
    trainer = trainer_of("nnUNetTrainerFCMLabel")
    trainer.initialize()
    outputs = [torch.randn(2, 3, n, n) for n in (8, 4)]
    targets = [torch.randint(0, 4, (2, 1, n, n)).float() for n in (8, 4)]
    fine, _ = (
        fcm_label_loss(output, target, ignore_index=3)
        for output, target in zip(outputs, targets, strict=True)
    )
    # nnU-Net gives the coarsest scale no weight; here there are two.
    torch.testing.assert_close(trainer.loss(outputs, targets), fine)


@needs_nnunet
@quiet
def test_nnunet_finds_a_trainer_and_trains_two_epochs(trainer_of, planned, monkeypatch):
    name = "nnUNetTrainerSemiRFCM"
    trainer = trainer_of(name)
    threads = torch.get_num_threads()
    trainer.num_epochs, trainer.num_iterations_per_epoch = 2, 2
    trainer.num_val_iterations_per_epoch = 1
    monkeypatch.setattr(trainer.logger, "plot_progress_png", lambda *_: None)  # takes a second
    trainer.run_training()
    torch.set_num_threads(threads)
    losses = trainer.logger.get_value("train_losses", step=None)
    assert len(losses) == 2
    assert np.isfinite(losses).all()
    (folder,) = (planned / "results" / "Dataset007_Bone").glob(f"{name}__*")
    assert (folder / "fold_all" / "checkpoint_final.pth").is_file()
    assert trainer.loss.loss.loss.terms[1].ignore_index == 3
