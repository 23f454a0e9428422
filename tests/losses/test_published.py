"""Values and gradients of the authors' published torch losses, to 1e-5."""

import json

import numpy as np
import pytest
import torch

from fuzzyseg.losses import FCMLabelLoss, RFCMLoss

# Loss, shape [B, *space], classes, q, beta, value, L2 norm of the gradient; seed 7.
FIGURES = (
    ("RFCM", (2, 12, 10), 2, 1.0, 0.5, 1.808417558670044, 0.3361629979723094),
    ("RFCM", (2, 12, 10), 3, 2.0, 0.0008, 0.04194868728518486, 0.010591147299630722),
    ("RFCM", (2, 12, 10), 4, 6.0, 0.5, 0.008476797491312027, 0.013987690127152706),
    ("RFCM", (2, 6, 8, 7), 2, 4.0, 0.0, 0.02643546648323536, 0.00770494088624294),
    ("RFCM", (2, 6, 8, 7), 3, 2.0, 0.0008, 0.043149419128894806, 0.0064024984019474315),
    ("RFCM", (2, 6, 8, 7), 4, 1.0, 0.5, 7.164254665374756, 1.1529409769340868),
    ("FCM_label", (2, 6, 8, 7), 3, 1.0, None, 0.2248039403967637, 0.018184824186332736),
    ("FCM_label", (2, 6, 8, 7), 4, 2.0, None, 0.07546309800730572, 0.010596993762222656),
)


def check(loss, shape, n_classes, seed, q, beta, value, grad_l2):
    """Draw what the authors' code was given, as the file's recipe says, and compare."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(shape[0], n_classes, *shape[1:]))
    f = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    y = rng.random((shape[0], 1, *shape[1:]))
    g = rng.integers(0, n_classes, (shape[0], 1, *shape[1:]))
    if loss == "RFCM":
        paper = RFCMLoss.paper()
        paper.q, paper.beta = q, beta
        other = torch.from_numpy(y)
    else:
        paper, other = FCMLabelLoss(q, input_kind="probabilities"), torch.from_numpy(g)
    for dtype in (torch.float64, torch.float32):
        prediction = torch.from_numpy(f).to(dtype).requires_grad_()
        found = paper(prediction, other)
        found.backward()
        assert found.item() == pytest.approx(value, rel=1e-5)
        assert prediction.grad.norm().item() == pytest.approx(grad_l2, rel=1e-5)


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: f"{row[0]}-{row[3]}-{row[4]}")
def test_some_figures(row):
    loss, shape, n_classes, q, beta, value, grad_l2 = row
    check(loss, shape, n_classes, 7, q, beta, value, grad_l2)


def test_all_figures(shared_data):
    path = shared_data / "reference" / "published_losses.json"
    if not path.exists():
        pytest.skip("needs published_losses.json, which is not part of the project")
    rows = json.loads(path.read_text())["rows"]
    assert len(rows) == 84
    for row in rows:
        check(
            row["loss"], row["shape"], row["C"], row["seed"], row["q"], row.get("beta"),
            row["value"], row["grad_l2"],
        )  # fmt: skip


def test_papers_settings():
    paper = RFCMLoss.paper()
    assert (paper.q, paper.beta, paper.neighbours) == (2.0, 0.0008, "all")
    assert (paper.input_kind, paper.reduction) == ("probabilities", "mean")
    assert paper.centres.scope == "image"
    assert paper.centres.move
