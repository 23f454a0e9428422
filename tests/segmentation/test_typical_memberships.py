import dataclasses

import numpy as np
import pytest
from tiny_models import write_tiny

from fuzzyseg.conventions import CLASSES
from fuzzyseg.models.card import Card, Typical
from fuzzyseg.models.locate import card_of
from fuzzyseg.models.model_files import load_model
from fuzzyseg.provenance import now
from fuzzyseg.segmentation import Settings, segment, summary
from fuzzyseg.segmentation.describe import describe_memberships
from fuzzyseg.segmentation.typical_memberships import statistics, typical, typical_domain
from fuzzyseg.volume import Provenance, Segmentation, Study, Volume

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


def result(background, bone):
    """Segmentation of a line of voxels, the last of which is air, with these memberships."""
    u = np.array([background, bone, 1 - np.add(background, bone)], np.float32)
    u = np.broadcast_to(u[:, :, None, None], (3, len(bone), 3, 3))
    image = np.full(u.shape[1:], 10, np.float32)
    image[-1] = 0
    made = Provenance("model", {}, {}, now(), 0.0, ())
    volume = Volume(image, AFFINE, "NM")
    return Segmentation(u, u.argmax(0).astype(np.uint8), CLASSES, volume, made)


def test_bone_is_of_the_body_and_undecided_of_what_may_be_bone():
    found = statistics(result([1.0, 0.96, 0.9, 0.5, 0.1, 1.0], [0.0, 0.04, 0.1, 0.4, 0.9, 0.0]))
    assert found["bone"] == pytest.approx((0.04 + 0.1 + 0.4 + 0.9) / 5)
    assert found["undecided"] == pytest.approx(1 / 3)  # the middle one of 0.9, 0.5, 0.1
    assert statistics(result([1.0] * 6, [0.0] * 6)) == {"bone": 0, "undecided": 0}


def test_a_card_holds_percentiles_over_patients():
    bone = np.linspace(0.05, 0.15, 101)
    said = typical([{"bone": b, "undecided": 0.4} for b in bone])
    assert said == Typical(101, bone=(0.055, 0.145), undecided=(0.4, 0.4))


@pytest.mark.parametrize(
    ("share", "score"),
    [
        (0.2, 0.0),
        (0.5, 0.0),
        (0.8, 0.0),
        (16 / 17, 1 / 6),  # log odds of 16: half of the range of log odds, 4 to 1/4, beyond
        (1 / 65, 1 / 3),  # 1/64: the whole range below
        (1 / 257, 1 / 2),
        (0.0, 0.667),  # as 1/1000
    ],
)
def test_the_score_is_how_many_ranges_a_share_lies_outside(share, score):
    card = Card("mine", typical=Typical(9, bone=(0.2, 0.8)))
    found = typical_domain({"bone": share, "undecided": 0.3}, card)
    assert found.score == pytest.approx(score, abs=6e-3)
    assert bool(found.warnings) == (found.score > 1 / 3)
    for text in found.warnings:
        assert "The model mine gives" in text
        assert f"{share:.1%} of its body bone, usually 20.0% to 80.0%" in text
        assert "undecided" not in text


def bone_scan(seed):
    """A bone of 10 times the tissue around it, with noise."""
    rng = np.random.default_rng(seed)
    image = np.full((20, 18, 16), 4.0)
    image[8:12, 6:11] = 40
    return Study(spect=Volume(rng.poisson(image).astype(np.float32), AFFINE, "NM"))


def ct(seed):
    rng = np.random.default_rng(seed)
    image = np.full((40, 38, 12), -1000.0)
    image[8:32, 8:30] = 40 + rng.normal(0, 20, (24, 22, 12))
    image[16:22, 14:20] = 600
    return Study(ct=Volume(image.astype(np.float32), AFFINE, "CT"))


def unlike(study):
    """The same with its lowest values highest."""
    image = study.image
    array = np.ascontiguousarray(image.array.max() + image.array.min() - image.array)
    volume = dataclasses.replace(image, array=array)
    return Study(spect=volume) if study.spect is not None else Study(ct=volume)


@pytest.mark.parametrize(("task", "patient"), [("spect", bone_scan), ("ct", ct)])
def test_memberships_unlike_those_of_the_card_are_told_and_scored(task, patient, tmp_path):
    write_tiny(tmp_path, task)
    model = tmp_path / task
    settings = Settings(method="model", model=str(model))

    before = summary(segment(unlike(patient(0)), settings))
    assert "memberships" not in before["parameters"]
    assert not any("usually" in text for text in before["warnings"])

    weights = load_model(model).card.sha256
    said = describe_memberships(model, [patient(seed) for seed in range(3)])
    assert (card_of(model).typical, card_of(model).sha256) == (said, weights)
    like = summary(segment(patient(3), settings))
    assert not any("usually" in text for text in like["warnings"])
    low, high = said.undecided
    assert low - 0.05 < like["parameters"]["memberships"]["undecided"] < high + 0.05

    narrow = Typical(3, bone=(0.0, 0.001), undecided=(0.999, 1.0))
    card = dataclasses.replace(card_of(model), typical=narrow)
    model.with_suffix(".json").write_text(card.to_json())
    run = summary(segment(unlike(patient(3)), settings))
    assert any("usually" in text for text in run["warnings"])
    assert run["image"]["out_of_domain"] > 1 / 3
