import os
from dataclasses import replace

import numpy as np
import pytest
from toy_training import QUICK, write_manifest

from fuzzyseg.errors import InputError
from fuzzyseg.training import prepared
from fuzzyseg.training.batches import Batches
from fuzzyseg.training.case import load_cases
from fuzzyseg.training.prepared import prepared_cases
from fuzzyseg.training.sources import find_sources

BOTH = replace(QUICK, channels=("spect", "ct"), dims=3, rotate=5.0)


@pytest.fixture
def sources(tmp_path):
    return find_sources([write_manifest(tmp_path)], BOTH.channels)


@pytest.mark.parametrize("change", [{}, {"randomise": 0.5, "loss": "semi-rfcm"}])
def test_cases_are_those_that_were_read(change, sources, tmp_path):
    config = replace(BOTH, **change)
    expected = load_cases(sources, config)
    for _ in range(2):  # prepared, and found there
        found = prepared_cases(sources, config, tmp_path / "cases")
        for a, b in zip(found, expected, strict=True):
            assert isinstance(a.image, np.memmap)
            np.testing.assert_allclose(a.image, b.image, rtol=6e-4, atol=1e-4)
            for name in ("labels", "bright", "body", "lesions"):
                np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
            for name in ("name", "spacing_mm", "n_classes", "air", "low", "high", "labelled"):
                assert getattr(a, name) == getattr(b, name)
            assert a.raw.keys() == (b.raw.keys() if change else set())
            for name in a.raw:
                np.testing.assert_array_equal(a.raw[name], b.raw[name])
            if change:
                np.testing.assert_array_equal(a.activity, b.activity)
    drawn, wanted = (Batches(cases, config).batch(3) for cases in (found, expected))
    assert drawn.seen.dtype == wanted.seen.dtype
    np.testing.assert_allclose(drawn.seen, wanted.seen, rtol=6e-4, atol=1e-3)


def test_nothing_is_read_again_but_what_has_changed(sources, tmp_path, monkeypatch):
    read, original = [], prepared.load_case

    def counted(source, config):
        read.append(source.name)
        return original(source, config)

    monkeypatch.setattr(prepared, "load_case", counted)

    def reads(config=BOTH):
        read.clear()
        prepared_cases(sources, config, tmp_path / "cases")
        return list(read)

    assert reads() == ["toy-0", "toy-1"]
    assert reads() == []
    assert reads(replace(BOTH, lr=1.0, steps=9, patch=16)) == []
    assert reads(replace(BOTH, spect="asinh")) == ["toy-0", "toy-1"]
    os.utime(sources[1].labels, (1, 1))
    assert reads() == ["toy-1"]
    assert reads() == []


def test_values_too_large_for_half_precision_stay(sources, tmp_path, monkeypatch):
    original = prepared.load_case

    def bright(source, config):
        case = original(source, config)
        case.image[0, 0, 0, 0] = 1e5
        return case

    monkeypatch.setattr(prepared, "load_case", bright)
    found = prepared_cases(sources[:1], BOTH, tmp_path / "cases")
    assert found[0].image.dtype == np.float32
    assert found[0].image.max() == 1e5


def test_what_is_damaged_is_named(sources, tmp_path):
    prepared_cases(sources[:1], BOTH, tmp_path / "cases")
    (place,) = (tmp_path / "cases").iterdir()
    (place / "labels.npy").write_bytes(b"")
    with pytest.raises(InputError, match=f"damaged one in .*{place.name}.*; remove that folder"):
        prepared_cases(sources[:1], BOTH, tmp_path / "cases")


def test_a_place_that_cannot_be_written_to(sources, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        prepared_cases(sources, BOTH, tmp_path / "file" / "cases")


def test_labels_that_the_loss_needs(sources, tmp_path):
    without = replace(sources[0], labels=None)
    with pytest.raises(InputError, match="expected labels of every case for --loss ce"):
        prepared_cases([without], BOTH, tmp_path / "cases")
    assert not (tmp_path / "cases").exists()
