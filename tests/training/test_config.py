from dataclasses import fields, replace

import pytest

from fuzzyseg.errors import InputError
from fuzzyseg.losses import LOSSES
from fuzzyseg.networks.registry import NETWORKS
from fuzzyseg.training.config import Config, check_config, differences

BAD = {
    "loss": ["mse", "ce+ce", "", "rfcm+semi-ms"],
    "loss_parameters": [("magic=1",), ("gradient",)],
    "q": [0.9, float("nan"), float("inf")],
    "anneal": [-1],
    "beta": [-1e-9, float("nan"), float("inf")],
    "lam": [-1.0],
    "alpha": [-1.0],
    "class_weights": [(1.0,), (1.0, 1.0, 0.0), (1.0, 1.0, float("inf"))],
    "class_weights_end": [(1.0,), (1.0, -1.0, 1.0)],
    "neighbours": ["some"],
    "centres": ["free"],
    "channels": [(), ("ct", "spect"), ("pet",)],
    "classes": [1, 4],
    "network": ["vit"],
    "filters": [0],
    "dims": [1, 4],
    "context": [-1],
    "planes": [(), ("oblique",), ("coronal", "coronal")],
    "spect": ["minmax"],
    "ct": ["minmax"],
    "ct_window_hu": [(100.0, 100.0), (200.0, 100.0), (float("nan"), 1.0), (0.0, float("inf"))],
    "spacing_mm": [0.0, -2.0, float("nan")],
    "steps": [0],
    "batch": [0],
    "patch": [7],
    "bright": [-0.1, 1.1, float("nan")],
    "lesions": [-0.1, 1.1],
    "lr": [0.0, float("nan"), float("inf")],
    "clip": [0.0],
    "ema": [-0.1, 1.0],
    "start_share": [-0.1, 1.0],
    "mirror": ["none"],
    "rotate": [-1.0, float("nan")],
    "zoom": [-0.1],
    "ct_shift_mm": [-1.0],
    "noise": [-0.1],
    "blur": [-0.1],
    "scale": [-0.1],
    "randomise": [-0.1, 1.1],
    "parts": [-0.1, 1.1],
    "paint": [-0.1, 1.1],
    "texture": [-0.1, 1.1],
    "ct_ends": [-0.1, 1.1],
    "redraw": [0],
    "seed": [-1],
    "device": ["tpu"],
    "validate_every": [0],
    "patience": [-1],
    "checkpoint_minutes": [0.0, float("inf")],
    "log_every": [0],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_a_bad_value_is_refused_by_its_option(name, value):
    with pytest.raises(InputError, match=f"for --{name.replace('_', '-')}, found "):
        check_config(replace(Config(), **{name: value}))


@pytest.mark.parametrize(
    ("name", "value", "typed"),
    [("channels", ("ct", "spect"), "ct spect"), ("planes", (), "none"), ("patch", 3, "3")],
)
def test_what_was_found_is_told_as_it_is_typed(name, value, typed):
    with pytest.raises(InputError, match=f", found {typed}; change it"):
        check_config(replace(Config(), **{name: value}))


def test_every_number_and_choice_has_a_bad_value_above():
    assert {f.name for f in fields(Config) if f.type != "bool"} == set(BAD)


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"dims": 3, "context": 1}, "context"),
        ({"rotate": 5.0}, "rotate"),
        ({"zoom": 0.1}, "zoom"),
        ({"ct_shift_mm": 3.0}, "ct-shift-mm"),
        ({"loss": "dice", "class_weights": (1.0, 1.0, 9.0)}, "class-weights"),
        ({"loss": "ce", "class_weights_end": (1.0, 1.0, 9.0)}, "class-weights-end"),
        ({"bright": 0.7, "lesions": 0.4}, "lesions"),
        ({"loss": "rfcm", "lesions": 0.1}, "lesions"),
        ({"network": "two-stage", "channels": ("spect", "ct")}, "dims"),
        ({"network": "two-stage", "dims": 3}, "channels"),
        ({"ct_ends": 0.1, "dims": 3}, "ct-ends"),
        ({"ct_ends": 0.1, "dims": 3, "channels": ("spect", "ct"), "ct": "slice"}, "ct-ends"),
    ],
)
def test_values_that_do_not_go_together_are_refused(change, flag):
    with pytest.raises(InputError, match=f"--{flag}, found"):
        check_config(replace(Config(), **change))


@pytest.mark.parametrize("loss", [*LOSSES, "rfcm+ce+dice"])
def test_every_loss_and_network_is_allowed(loss):
    for network, entry in NETWORKS.items():
        channels = ("spect", "ct") if entry.first else ("spect",)
        check_config(Config(loss=loss, network=network, dims=entry.dims[-1], channels=channels))


def test_the_edges_of_what_is_allowed():
    check_config(
        Config(q=1, beta=0, alpha=0, patch=8, bright=1, noise=0, steps=1, batch=1, filters=1)
    )
    check_config(Config(bright=0.5, lesions=0.5, context=2, ct_window_hu=(-200, 200)))


@pytest.mark.parametrize(
    ("loss", "needs_labels", "looks_at_image"),
    [
        ("ce", True, False),
        ("rfcm", False, True),
        ("semi-rfcm", False, True),
        ("semi-ms", False, True),
        ("dice+ce", True, False),
        ("ms+dice", False, True),
    ],
)
def test_what_a_loss_needs(loss, needs_labels, looks_at_image):
    config = Config(loss=loss)
    assert config.needs_labels is needs_labels
    assert config.looks_at_image is looks_at_image


def test_parameters_of_the_loss_are_checked_by_its_terms():
    check_config(Config(loss="ms+dice", loss_parameters=("gradient=isotropic", "squared=true")))
    with pytest.raises(InputError, match="out of gradient for --loss-parameters, found 'lam=1'"):
        check_config(Config(loss="ms", loss_parameters=("lam=1",)))
    with pytest.raises(InputError, match=r"like False for squared .* found 'much'"):
        check_config(Config(loss="dice", loss_parameters=("squared=much",)))
    with pytest.raises(InputError, match="found 'diagonal'"):
        check_config(Config(loss="ms", loss_parameters=("gradient=diagonal",)))


def test_two_classes_are_background_and_bone():
    assert Config(classes=2).class_names == ("background", "bone")
    assert Config().class_names == ("background", "bone", "lesion")


def test_a_run_may_be_resumed_for_longer_but_not_with_another_loss():
    longer = Config(steps=9, patience=3, log_every=7, validate_every=2, checkpoint_minutes=1)
    assert differences(Config(), longer) == []
    assert differences(Config(), Config(loss="ce", lr=1.0)) == ["loss", "lr"]
