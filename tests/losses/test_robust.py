"""No NaN, whatever the input; half precision; torch.compile; memory."""

import itertools

import pytest
import torch

from fuzzyseg.losses import (
    Centres,
    CrossEntropyLoss,
    DiceLoss,
    FCMLabelLoss,
    MumfordShahLoss,
    RFCMLoss,
    Semi,
    SemiRFCMLoss,
)
from fuzzyseg.losses.fcm_label import FCMLabelSettings
from fuzzyseg.losses.image_loss import ImageLoss
from fuzzyseg.losses.label_loss import LabelLoss
from fuzzyseg.losses.rfcm import RFCMSettings

EXPONENTS = (1.0, 1.5, 2.0, 6.0)
IMAGE_LOSSES = (
    *(lambda q=q, **kind: RFCMLoss(q, 0.3, **kind) for q in EXPONENTS),
    lambda **kind: MumfordShahLoss(0.3, **kind),
    lambda **kind: MumfordShahLoss(0.3, gradient="isotropic", **kind),
)
LABEL_LOSSES = (
    *(lambda q=q, **kind: FCMLabelLoss(q, **kind) for q in EXPONENTS),
    CrossEntropyLoss,
    DiceLoss,
)


def extreme_predictions(kind, dtype):
    """Saturated, uniform, and with an empty class."""
    classes = torch.arange(60).reshape(3, 5, 4) % 2  # class 2 has no member
    hard = torch.nn.functional.one_hot(classes, 3).movedim(-1, 1).float()
    if kind == "logits":
        yield from (a.to(dtype) for a in (2e4 * hard - 1e4, torch.zeros_like(hard)))
        yield (2e4 * hard - 1e4).masked_fill(hard == 0, -torch.inf).to(dtype)
    else:
        yield from (a.to(dtype) for a in (hard, torch.full_like(hard, 1 / 3)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
def test_never_nan(kind, dtype):
    y = torch.linspace(0, 1, 60).reshape(3, 1, 5, 4).to(dtype)
    g = torch.arange(60).reshape(3, 5, 4) % 2
    for make, labels in (*((m, False) for m in IMAGE_LOSSES), *((m, True) for m in LABEL_LOSSES)):
        for reduction, prediction in itertools.product(
            ("mean", "none"), extreme_predictions(kind, dtype)
        ):
            if prediction.isinf().any() and isinstance(make(), CrossEntropyLoss):
                continue  # torch's cross-entropy of probability 0 is infinite
            a = prediction.requires_grad_()
            loss = make(input_kind=kind, reduction=reduction)(a, g if labels else y)
            assert loss.dtype == (dtype if dtype == torch.float64 else torch.float32)
            assert torch.isfinite(loss).all()
            (gradient,) = torch.autograd.grad(loss.sum(), a)
            assert gradient.dtype == dtype
            assert not gradient.isnan().any()
            if not (make is DiceLoss and dtype == torch.float16):  # up to 1 / smooth = 1e5
                assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_autocast_computes_in_float32(dtype, draw):
    z, y, g = draw((2, 40, 40), dtype=torch.float32)
    g[1] = -1
    for loss in (SemiRFCMLoss(2, 0.3), Semi(MumfordShahLoss(), DiceLoss())):
        half = z.to(dtype).requires_grad_()
        full = z.to(dtype).float().requires_grad_()
        with torch.autocast("cpu", dtype):
            found = loss(half, y, g)
        found.backward()
        expected = loss(full, y, g)
        expected.backward()
        torch.testing.assert_close(found, expected, rtol=0, atol=0)
        assert half.grad.dtype == dtype
        assert (half.grad - full.grad).norm() < 0.01 * full.grad.norm()


@pytest.mark.parametrize("base", [ImageLoss, LabelLoss])
def test_autocast_is_off_inside(base, draw):
    z, y, g = draw((2, 5, 4))

    class Probe(base):
        def _compute(self, *_):
            return torch.is_autocast_enabled("cpu")

    loss = Probe(RFCMSettings(), Centres()) if base is ImageLoss else Probe(FCMLabelSettings())
    with torch.autocast("cpu", torch.bfloat16):
        assert loss(z, y if base is ImageLoss else g) is False


@pytest.mark.parametrize("q", EXPONENTS)
def test_float32_is_accurate(q, draw):
    z, y, _ = draw((2, 40, 30, 20))
    loss = RFCMLoss(q, 0.01)
    single = z.float().requires_grad_()
    double = z.clone().requires_grad_()
    found, expected = loss(single, y.float()), loss(double, y)
    found.backward()
    expected.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    assert (single.grad - double.grad).norm() < 1e-5 * double.grad.norm()


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("loss", [RFCMLoss(2, 0.3), SemiRFCMLoss(2, 0.3)], ids=["rfcm", "semi"])
def test_torch_compile_takes_it_whole(loss, draw):
    z, y, g = draw((2, 6, 5))
    call = (y, g) if isinstance(loss, Semi) else (y,)
    a, b = (z.clone().requires_grad_() for _ in range(2))
    torch._dynamo.reset()
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    found, expected = compiled(a, *call), loss(b, *call)
    torch.testing.assert_close(found, expected)
    found.backward()
    expected.backward()
    torch.testing.assert_close(a.grad, b.grad)


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize("shape", [(4, 3, 96, 96), (1, 3, 48, 48, 48)])
def test_extra_memory_is_under_three_predictions(shape, kind):
    a = torch.rand(shape).softmax(1).requires_grad_()
    y = torch.rand(shape[0], 1, *shape[2:])
    loss = RFCMLoss(input_kind=kind)
    loss(a, y).backward()  # compiled, imported
    a.grad = None
    peak = peak_bytes(lambda: loss(a, y).backward())
    assert 0 < peak < 3 * a.numel() * a.element_size()


def peak_bytes(work):
    """Return the most memory that torch held at once, beyond what it held before."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profile:
        work()
    held = peak = 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak
