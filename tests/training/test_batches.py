from dataclasses import replace

import pytest
import torch
from toy_training import QUICK, toy_case

from fuzzyseg.training.batches import Batches

CONFIG = replace(QUICK, augment=True, noise=0.1, blur=1.0, scale=0.2, randomise=0.5, redraw=4)
CASES = [toy_case(CONFIG, seed=seed) for seed in range(3)]
PARTS = ("seen", "image", "target", "volume")


def same(a, b):
    return all(torch.equal(getattr(a, p), getattr(b, p)) for p in PARTS)


def test_shapes_and_types():
    batch = Batches(CASES, CONFIG).batch(0)
    assert batch.seen.shape == batch.image.shape == (4, 1, 12, 12)
    assert batch.target.shape == (4, 12, 12)
    assert (batch.target.dtype, batch.volume.dtype) == (torch.int64, torch.int64)
    assert batch.seen.dtype == torch.float32


def test_a_batch_depends_on_its_step_alone():
    """A run that goes on at a step draws what the unbroken one would have."""
    unbroken, resumed = Batches(CASES, CONFIG), Batches(CASES, CONFIG)
    before = [unbroken.batch(step) for step in range(9)]
    assert same(resumed.batch(8), before[8])
    assert same(resumed.batch(3), before[3])
    assert not same(before[3], before[4])
    assert not same(Batches(CASES, replace(CONFIG, seed=1)).batch(3), before[3])


@pytest.mark.parametrize("world", [2, 4])
def test_processes_share_out_the_batch_of_one(world):
    whole = Batches(CASES, CONFIG).batch(5)
    parts = [Batches(CASES, CONFIG, rank, world).batch(5) for rank in range(world)]
    for name in PARTS:
        interleaved = torch.stack([getattr(part, name) for part in parts], 1).flatten(0, 1)
        assert torch.equal(interleaved, getattr(whole, name))


def test_all_cases_are_drawn_and_told_apart():
    volumes = torch.cat([Batches(CASES, QUICK).batch(step).volume for step in range(20)])
    assert set(volumes.tolist()) == {0, 1, 2}
    plain = replace(QUICK, bright=0.0)
    marked = [replace(case, image=case.image * 0 + i) for i, case in enumerate(CASES)]
    batch = Batches(marked, plain).batch(0)
    assert torch.equal(batch.image.amax((1, 2, 3)), batch.volume.float())


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (0.5, 0.35, 0.65), (1.0, 1, 1)])
def test_share_of_randomised_volumes(share, low, high, monkeypatch):
    def marked(case, config, rng):
        return replace(case, image=case.image * 0 + 99)

    monkeypatch.setattr("fuzzyseg.training.batches.randomised", marked)
    batches = Batches(CASES, replace(QUICK, randomise=share))
    found = torch.cat([batches.batch(step).image.amax((1, 2, 3)) == 99 for step in range(40)])
    assert low <= found.float().mean() <= high


def test_randomised_volumes_are_drawn_again_in_turn(monkeypatch):
    drawn = []

    def counted(case, config, rng):
        drawn.append((case.name, rng.random()))
        return case

    monkeypatch.setattr("fuzzyseg.training.batches.randomised", counted)
    batches = Batches(CASES, replace(QUICK, randomise=1.0, redraw=6, batch=64))
    when = []
    for step in range(18):
        before = len(drawn)
        batches.batch(step)
        when += [(step, name) for name, _ in drawn[before:]]
    # Every volume once in six steps, two steps after each other.
    assert len({number for _, number in drawn}) == len(drawn)
    assert [step for step, name in when if name == "toy-0"] == [0, 6, 12]
    assert [step for step, name in when if name == "toy-1"] == [0, 4, 10, 16]
    assert [step for step, name in when if name == "toy-2"] == [0, 2, 8, 14]
