"""Pairs of losses, batches with and without labels, names, and what importing costs."""

import subprocess
import sys

import pytest
import torch

from fuzzyseg import losses
from fuzzyseg.errors import InputError
from fuzzyseg.losses import (
    LOSSES,
    Centres,
    CrossEntropyLoss,
    DiceLoss,
    FCMLabelLoss,
    MumfordShahLoss,
    RFCMLoss,
    Semi,
    SemiMumfordShahLoss,
    SemiRFCMLoss,
    get_loss,
)

PAIRS = (
    (SemiRFCMLoss(1.5, 0.3, 2.5), RFCMLoss(1.5, 0.3), FCMLabelLoss(1.5)),
    (SemiMumfordShahLoss(0.3, 2.5), MumfordShahLoss(0.3), CrossEntropyLoss()),
    (Semi(RFCMLoss(), DiceLoss(), 2.5), RFCMLoss(), DiceLoss()),
)


@pytest.mark.parametrize(("pair", "unsupervised", "supervised"), PAIRS)
def test_a_pair_is_the_sum(pair, unsupervised, supervised, draw):
    z, y, g = draw((3, 5, 4))
    g[1] = -1  # an element without labels
    mask = torch.rand(3, 5, 4, generator=torch.Generator().manual_seed(0)) > 0.2
    a, b = (z.clone().requires_grad_() for _ in range(2))
    found = pair(a, y, g, mask)
    expected = unsupervised(b, y, mask) + 2.5 * supervised(b, g, mask)
    torch.testing.assert_close(found, expected)
    found.backward()
    expected.backward()
    torch.testing.assert_close(a.grad, b.grad)
    torch.testing.assert_close(pair(z, y), unsupervised(z, y))
    torch.testing.assert_close(pair(z, y, torch.full_like(g, -1)), unsupervised(z, y))


def test_centres_and_volumes_reach_the_unsupervised_term(draw):
    z, y, g = draw((3, 5, 4))
    v, volume = torch.tensor([[0.1], [0.4], [0.9]]), torch.tensor([1, 2, 1])
    settings = Centres("volume")
    pair, alone = SemiRFCMLoss(alpha=0, centres=settings), RFCMLoss(centres=settings)
    for call in ({"volume": volume}, {"centres": v}):
        torch.testing.assert_close(pair(z, y, g, **call), alone(z, y, **call))


def test_one_q_for_both_terms(draw):
    z, y, g = draw((2, 5, 4))
    pair = SemiRFCMLoss(1.0)
    pair.q = 2.0
    assert pair.q == 2
    torch.testing.assert_close(pair(z, y, g), SemiRFCMLoss(2.0)(z, y, g))


def test_alpha_may_change_during_training(draw):
    z, y, g = draw((2, 5, 4))
    pair = SemiMumfordShahLoss(alpha=1)
    pair.alpha = 3
    torch.testing.assert_close(pair(z, y, g), SemiMumfordShahLoss(alpha=3)(z, y, g))


def test_bad_pairs():
    with pytest.raises(InputError, match="one input_kind"):
        Semi(RFCMLoss(), DiceLoss(input_kind="probabilities"))
    with pytest.raises(InputError, match="alpha >= 0"):
        SemiRFCMLoss(alpha=-1)


@pytest.mark.parametrize("name", LOSSES)
def test_every_name_builds_a_loss_with_its_parameters(name, draw):
    z, y, g = draw((2, 5, 4))
    settings = {"q": 1.5, "beta": 0.3, "lam": 0.2, "alpha": 4.0, "neighbours": "faces"}
    kind = {"input_kind": "probabilities"}
    centres = Centres("batch")
    rfcm = RFCMLoss(1.5, 0.3, neighbours="faces", centres=centres, **kind)
    ms, label = MumfordShahLoss(0.2, centres=centres, **kind), FCMLabelLoss(1.5, **kind)
    ce, dice = CrossEntropyLoss(**kind), DiceLoss(**kind)
    f = z.softmax(1)
    expected = {
        "rfcm": lambda: rfcm(f, y),
        "ms": lambda: ms(f, y),
        "fcm-label": lambda: label(f, g),
        "ce": lambda: ce(f, g),
        "dice": lambda: dice(f, g),
        "semi-rfcm": lambda: rfcm(f, y) + 4 * label(f, g),
        "semi-ms": lambda: ms(f, y) + 4 * ce(f, g),
    }
    every = settings | kind | {"centres": centres}
    takes = LOSSES[name].parameters()
    loss = get_loss(name, **{k: v for k, v in every.items() if k in takes})
    call = (y, g) if name.startswith("semi") else (y,) if name in {"rfcm", "ms"} else (g,)
    torch.testing.assert_close(loss(f, *call), expected[name]())


def test_unknown_names():
    with pytest.raises(InputError, match=r"rfcm, ms.* found 'focal'"):
        get_loss("focal")
    with pytest.raises(AttributeError, match="focal"):
        _ = losses.focal


def test_everything_announced_is_there():
    for name in losses.__all__:
        assert getattr(losses, name) is not None


def test_names_do_not_import_torch():
    program = (
        "import sys, fuzzyseg.losses.registry, fuzzyseg.losses\n"
        "from fuzzyseg.losses import LOSSES\n"
        "assert 'rfcm' in LOSSES and not {'torch', 'numpy', 'numba'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
