"""A loss that is added touches its own file and one line."""

import json
import sys

import pytest
import torch

from fuzzyseg.cli.main import main
from fuzzyseg.errors import InputError
from fuzzyseg.lazy import load
from fuzzyseg.losses import LOSSES, LossEntry, Semi, get_loss
from fuzzyseg.losses.image_loss import ImageLoss
from fuzzyseg.losses.inputs import reduced
from fuzzyseg.losses.label_loss import LabelLoss
from fuzzyseg.losses.rfcm import RFCMSettings
from fuzzyseg.training.config import Config, check_config
from fuzzyseg.training.objective import build_loss

ADDED = LossEntry("how far from a half, made up", f"{__name__}:Halves", labels=True)


class Halves(LabelLoss):
    def __init__(self, q: float = 2.0) -> None:
        super().__init__(RFCMSettings(q))

    def _compute(self, f, _, labelled, settings):
        return reduced(((f - 0.5).abs() ** settings.q).sum(1), labelled, settings.reduction)


@pytest.fixture
def added(monkeypatch):
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Halves.__module__])
    monkeypatch.setitem(LOSSES, "halves", ADDED)


@pytest.mark.usefixtures("added")
def test_a_loss_is_added_by_one_line(capsys):
    loss = get_loss("halves", q=1.0)
    assert loss(torch.ones(1, 2, 4), torch.zeros(1, 4)) == 1
    with pytest.raises(InputError, match="parameters of halves out of q, found beta"):
        get_loss("halves", beta=1.0)
    config = Config(loss="rfcm+halves", q=3.0)
    check_config(config)
    assert build_loss(config, None).terms[1].q == 3
    assert Config(loss="halves").needs_labels
    assert main(["info", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["losses"]["halves"] == ADDED.about


@pytest.mark.usefixtures("added")
def test_the_command_line_offers_it(tmp_path, capsys):
    words = ["train", str(tmp_path), "-o", str(tmp_path / "run")]
    assert main([*words, "--loss", "thirds"]) == 2
    assert "semi-ms, halves" in capsys.readouterr().err
    assert main([*words, "--loss", "halves"]) == 2  # for want of data, not of a loss
    assert "--loss" not in capsys.readouterr().err


@pytest.mark.parametrize("name", LOSSES)
def test_every_line_says_what_its_class_is(name):
    entry = LOSSES[name]
    kind = load(entry.home)
    assert isinstance(get_loss(name), kind)
    assert issubclass(kind, Semi) == bool(entry.terms) == (entry.image and entry.labels)
    if not entry.terms:
        assert issubclass(kind, ImageLoss if entry.image else LabelLoss)
        assert entry.image != entry.labels
    else:
        terms = [type(term) for term in get_loss(name).terms]
        assert terms == [load(LOSSES[term].home) for term in entry.terms]


@pytest.mark.parametrize(
    ("name", "parameters", "found"),
    [
        ("dice", {"q": 7}, "found q; "),
        ("ce", {"centres": None, "beta": 1}, "found centres, beta; "),
        ("rfcm", {"alpha": 1}, "out of q, beta, neighbours, centres, input_kind, reduction, found"),
    ],
)
def test_a_parameter_that_the_equation_does_not_have(name, parameters, found):
    with pytest.raises(InputError, match=rf"^expected parameters of {name} .*{found}"):
        get_loss(name, **parameters)


FUNCTIONS = [load(f"{e.home.split(':')[0]}:{e.function}") for e in LOSSES.values() if e.function]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_a_function_is_its_class(function, reduction, draw):
    z, y, g = draw((2, 4, 3))
    name, entry = next((n, e) for n, e in LOSSES.items() if e.function == function.__name__)
    mask = torch.arange(24).reshape(2, 4, 3) % 5 > 0
    for kind, a in (("logits", z), ("probabilities", z.softmax(1))):
        how = {"input_kind": kind, "reduction": reduction}
        for other in (y, y[:, 0]) if entry.image else (g, g[:, None]):
            expected = get_loss(name, **how)(a, other, mask)
            torch.testing.assert_close(function(a, other, mask, **how), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("shape", "other", "how", "found"),
    [
        ((2, 3), (2, 3), {}, "input of shape"),
        ((2, 3, 4), (2, 5), {}, "found (2, 5)"),
        ((2, 3, 4), (2, 4), {"input_kind": "logit"}, "input_kind"),
        ((2, 3, 4), (2, 4), {"reduction": "median"}, "reduction"),
    ],
)
def test_all_functions_check_alike(function, shape, other, how, found):
    with pytest.raises(InputError) as error:
        function(torch.zeros(shape), torch.zeros(other), **how)
    assert found in str(error.value)


@pytest.mark.parametrize(
    ("loss", "shown"),
    [
        (get_loss("rfcm"), "RFCMLoss(q=2.0, beta=0.0008, neighbours='all')"),
        (get_loss("dice", per_batch=True), "DiceLoss(per_batch=True)"),
        (
            Semi(get_loss("ms", reduction="sum"), get_loss("ce", reduction="sum"), 0.5),
            "Semi(MumfordShahLoss(lam=0.001, reduction='sum') + 0.5 "
            "CrossEntropyLoss(reduction='sum'))",
        ),
    ],
)
def test_repr_is_one_short_line(loss, shown):
    assert repr(loss) == shown
