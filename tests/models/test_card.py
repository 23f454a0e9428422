import dataclasses
import json

import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.models.card import Card, Intervals, Preprocessing, Typical
from fuzzyseg.models.card_file import card_from_json
from fuzzyseg.networks.architecture import Architecture

CARD = Card(
    "mine",
    Architecture("unet", ("spect", "ct"), ("air", "bone"), 8, 2, 1, 2),
    Preprocessing("body", "slice", (-100.0, 900.0), 4.5, (4.0, 5.0)),
    ("coronal", "sagittal"),
    {"data": "12 cases", "seed": 1, "config": {"loss": "rfcm", "lr": 0.001}},
    {"test": {"bone": {"dsc": 0.8, "surface_dsc": None}}},
    "1.2",
    "ab12",
)
INTERVALS = Intervals(
    4, 30, 0.8, (0.5, 9.0), (0.1, 0.0, 0.2, -1.0, 1.0), (0.0, 0.0, 0.0, -0.5, 2.0), 12, (0.8, 1.0)
)


@pytest.mark.parametrize(
    "card",
    [
        CARD,
        Card("x"),
        Card("x", typical=Typical(8, (0.06, 0.09), (0.4, 0.5))),
        Card("x", intervals=INTERVALS),
        Card("x", odds=(1.0, 2.5, 1.0)),
    ],
)
def test_a_card_comes_back_from_its_json(card):
    assert card_from_json(card.to_json(), "here") == card


def test_json_says_the_task():
    assert json.loads(CARD.to_json())["task"] == "spect-ct"
    assert json.loads(Card("x").to_json())["task"] == "spect"


@pytest.mark.parametrize(
    ("channels", "context", "expected"),
    [(("spect",), 0, 1), (("ct",), 2, 5), (("spect", "ct"), 1, 6)],
)
def test_channels_of_the_input(channels, context, expected):
    assert Architecture(channels=channels, context=context).in_channels == expected


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Architecture, {"network": "transformer"}),
        (Card, {"name": "x", "cortex": True}),
        (Card, {"name": "x", "odds": (1.0, 2.0)}),
        (Card, {"name": "x", "odds": (1.0, 2.0, 0.0)}),
        (Card, {"name": "x", "odds": (1.0, 2.0, float("nan"))}),
        (Card, {"name": "x", "odds": (1.0, 2.0, 1e9)}),
        (Architecture, {"channels": ("ct", "spect")}),
        (Architecture, {"classes": ("bone",)}),
        (Architecture, {"classes": ("bone", "bone")}),
        (Architecture, {"filters": 0}),
        (Architecture, {"dims": 4}),
        (Architecture, {"dims": 3, "context": 1}),
        (Architecture, {"context": -1}),
        (Architecture, {"steps": -1}),
        (Preprocessing, {"spect": "minmax"}),
        (Preprocessing, {"ct": "minmax"}),
        (Preprocessing, {"ct_window_hu": (1000.0, 0.0)}),
        (Preprocessing, {"spacing_mm": 0.0}),
        (Preprocessing, {"spacing_mm": float("nan")}),
        (Preprocessing, {"trained_mm": (5.0, 4.0)}),
        (Intervals, {"coverage": 90.0}),
        (Intervals, {"patients": 3, "volume": (0.0, 1.0), "uptake": (0.0, 1.0)}),
        (Intervals, {"volumes_ml": (2.0, 1.0)}),
    ],
)
def test_refuses_values_that_make_no_model(kind, values):
    with pytest.raises(InputError, match=r"^expected .*, found .*; "):
        kind(**values)
    entry = kind.__name__.lower()
    text = json.dumps({"name": "x", "architecture": {}, "preprocessing": {}, entry: values})
    with pytest.raises(InputError, match=r"^expected .*, found .*; .*mine.json"):
        card_from_json(text, "mine.json")


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"colour": "blue"}, "colour"),
        ({"name": 3}, "3"),
        ({"name": ""}, "''"),
        ({"planes": "transverse"}, "transverse"),
        ({"planes": []}, r"\(\)"),
        ({"planes": ["transverse", "transverse"]}, "transverse"),
        ({"training": []}, r"\[\]"),
        ({"task": "ct"}, "'ct'"),
        ({"architecture": {"filters": "16"}}, "'16'"),
        ({"architecture": {"filters": 16.5}}, "16.5"),
        ({"architecture": {"filters": True}}, "True"),
        ({"architecture": {"channels": ["spect", 1]}}, "1"),
        ({"preprocessing": {"ct_window_hu": [0]}}, r"\[0\]"),
        ({"preprocessing": {"spacing_mm": "4"}}, "'4'"),
        ({"architecture": 7}, "found 7"),
        ({"typical": {"bone": [0.2, 0.1]}}, r"\(0.2, 0.1\)"),
        ({"typical": {"bone": [0.2, 1.1]}}, "1.1"),
        ({"typical": {"undecided": 0.1}}, "0.1"),
        ({"typical": {"patients": -1}}, "-1"),
        ({"typical": None}, "None"),
    ],
)
def test_an_edited_card_is_refused_in_one_line(change, found):
    with pytest.raises(InputError, match=found) as error:
        card_from_json(json.dumps(json.loads(CARD.to_json()) | change), "mine.json")
    assert "\n" not in str(error.value)
    assert "mine.json" in str(error.value)


@pytest.mark.parametrize("text", ["", "not json", "[]", "null", "3", "{}", '{"name": "x"}'])
def test_what_is_no_card_is_refused(text):
    with pytest.raises(InputError, match=r"mine\.json"):
        card_from_json(text, "mine.json")


def nested(depth):
    return "[" * depth + "]" * depth


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("name", '["a", "b"]'),
        ("name", '"a\\u0000b"'),
        ("name", f'"{"n" * 5000}"'),
        ("name", "9" * 5000),
        ("version", "[]"),
        ("task", '["spect"]'),
        ("task", '{"spect": 1}'),
        ("planes", '[["coronal"]]'),
        ("architecture", '{"network": ["unet"]}'),
        ("architecture", '{"classes": [["air"], "bone"]}'),
        ("architecture", '{"classes": ["air", "bo\\nne"]}'),
        ("architecture", f'{{"filters": {"9" * 400}}}'),
        ("architecture", f'{{"steps": {"9" * 5000}}}'),
        ("architecture", '{"filters": 100000}'),
        ("architecture", '{"network": "unet", "steps": 65}'),
        ("architecture", f'[{nested(10)}, "x"]'),
        ("preprocessing", f'{{"spacing_mm": {"9" * 400}}}'),
        ("preprocessing", f'{{"ct_window_hu": [0, {"9" * 400}]}}'),
        ("preprocessing", '{"spacing_mm": NaN}'),
        ("training", '{"seconds": Infinity}'),
        ("training", f'{{"data": {nested(100)}}}'),
        ("training", f'{{"data": {nested(100_000)}}}'),
        ("a\\u0000\\n" + "x" * 5000, "1"),
    ],
)
def test_a_hostile_card_is_one_short_line(entry, value):
    whole = json.loads(CARD.to_json())
    whole.pop(entry, None)
    text = json.dumps(whole)[:-1] + f', "{entry}": {value}}}'
    with pytest.raises(InputError, match=r"^expected .*, found .*; ") as error:
        card_from_json(text, "mine.json")
    assert "mine.json" in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500


def test_a_card_with_the_old_names_is_read():
    old = CARD.to_json().replace('"planes"', '"views"')
    assert '"views"' in old
    assert card_from_json(old, "") == CARD


def test_numbers_without_a_decimal_point_are_numbers():
    text = CARD.to_json().replace("4.5", "4").replace("-100.0", "-100")
    expected = dataclasses.replace(CARD.preprocessing, spacing_mm=4, ct_window_hu=(-100, 900))
    assert card_from_json(text, "").preprocessing == expected


def test_a_card_of_before_memberships_were_described_is_read():
    old = json.loads(CARD.to_json())
    del old["typical"]
    assert card_from_json(json.dumps(old), "") == CARD
