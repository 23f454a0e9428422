"""nnU-Net v2 with our losses in the place of Dice and cross-entropy; all else stays nnU-Net's.

nnU-Net imports this file by itself, as a module of its own, from the folders that the environment
variable nnUNet_extTrainer names; so it imports nothing from beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from fuzzyseg.interop.nnunet_loss import WithImage, check_labels, into
from fuzzyseg.losses import Centres, FCMLabelLoss, SemiRFCMLoss
from fuzzyseg.losses.rfcm import PUBLISHED_BETA

if TYPE_CHECKING:
    from torch import nn

    from fuzzyseg.losses.label_loss import LabelLoss


class nnUNetTrainerFCMLabel(nnUNetTrainer):  # type: ignore[misc, unused-ignore]  # noqa: N801
    """Trains with the supervised fuzzy c-means loss, eq. (15), on voxels that have a label.

    Subclass it, in a folder of your own, to change `q`.
    """

    q = 2.0

    def _build_loss(self) -> nn.Module:
        check_labels(self.label_manager, self.plans_manager.dataset_name)
        return into(super()._build_loss(), self._labelled(FCMLabelLoss(self.q)))

    def _labelled(self, loss: LabelLoss) -> LabelLoss:
        """Tell a loss which label means that there is none."""
        if self.label_manager.ignore_label is not None:
            loss.ignore_index = self.label_manager.ignore_label
        return loss


class nnUNetTrainerSemiRFCM(nnUNetTrainerFCMLabel):  # noqa: N801
    """Trains with robust fuzzy c-means of the image and `alpha` times that of labels, eq. (16).

    Voxels and whole cases of nnU-Net's class "ignore" have no label: they train by the image alone.
    The image is what nnU-Net normalised, so `beta` is in units of its standard deviation squared.
    Centres are of the whole batch: a patch may hold no lesion.
    """

    beta = PUBLISHED_BETA
    alpha = 1.0
    centres = Centres("batch")

    def _build_loss(self) -> nn.Module:
        semi = SemiRFCMLoss(self.q, self.beta, self.alpha, centres=self.centres)
        self._labelled(semi.terms[1])  # type: ignore[arg-type]
        built: Any = super()._build_loss()
        return WithImage(into(built, semi))

    def train_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Show the loss the image, then do as nnU-Net does."""
        self._show(batch)
        step: dict[str, Any] = super().train_step(batch)
        return step

    def validation_step(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Show the loss the image, then do as nnU-Net does."""
        self._show(batch)
        step: dict[str, Any] = super().validation_step(batch)
        return step

    def _show(self, batch: dict[str, Any]) -> None:
        described = self.dataset_json
        names = described.get("channel_names", described.get("modality"))
        # A cascade appends the coarse stage's labels to the images.
        self.loss.image = batch["data"][:, : len(names)]
