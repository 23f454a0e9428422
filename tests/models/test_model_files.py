import dataclasses
import hashlib
import json
import pickle

import pytest
import torch
from safetensors.torch import load, save
from tiny_models import tiny_model, write_tiny

from fuzzyseg.errors import InputError
from fuzzyseg.models.card import Card
from fuzzyseg.models.locate import bundled_models, default_model
from fuzzyseg.models.model_files import Model, load_model, save_model


@pytest.mark.parametrize("kind", [{}, {"network": "unet", "dims": 3}])
def test_comes_back_as_it_was(kind, tmp_path):
    model = tiny_model(**kind)
    saved = save_model(model, tmp_path / "new" / "mine-1.5")
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [
        "mine-1.5.json",
        "mine-1.5.safetensors",
    ]
    for path in ("mine-1.5", "mine-1.5.json", "mine-1.5.safetensors"):
        found = load_model(tmp_path / "new" / path)
        assert found.card == saved.card == dataclasses.replace(model.card, sha256=found.card.sha256)
        assert not found.network.training
        expected = model.network.state_dict()
        for name, value in found.network.state_dict().items():
            assert torch.equal(value, expected[name]), name


def test_weights_under_their_old_names_are_read(tmp_path):
    model = tiny_model(network="unet", dims=2)
    save_model(model, tmp_path / "spect")
    new = load((tmp_path / "spect.safetensors").read_bytes())
    old = {name.replace("upsample.", "enlarge."): tensor for name, tensor in new.items()}
    assert old.keys() != new.keys()
    signed(tmp_path, save(old))
    found = load_model(tmp_path / "spect").network.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in new.items())


def test_repr_is_one_short_line():
    assert repr(tiny_model()) == "Model(spect: spect -> background, bone, lesion; recurrent, 2-D)"


def test_sha256_is_that_of_the_file(tmp_path):
    card = write_tiny(tmp_path).card
    data = (tmp_path / "spect.safetensors").read_bytes()
    assert card.sha256 == hashlib.sha256(data).hexdigest()


def test_weights_in_another_memory_layout_are_the_same_weights(tmp_path):
    model = tiny_model()
    plain = save_model(model, tmp_path / "a").card.sha256
    model.network.to(memory_format=torch.channels_last)
    assert save_model(model, tmp_path / "b").card.sha256 == plain


def signed(folder, data):
    """Put other bytes in place of a model's weights, with a card that vouches for them."""
    (folder / "spect.safetensors").write_bytes(data)
    card = json.loads((folder / "spect.json").read_text())
    card["sha256"] = hashlib.sha256(data).hexdigest()
    (folder / "spect.json").write_text(json.dumps(card))


class TestRefuses:
    @pytest.fixture
    def refused(self, tmp_path):
        write_tiny(tmp_path)

        def check(match):
            with pytest.raises(InputError, match=match) as error:
                load_model(tmp_path / "spect")
            assert "\n" not in str(error.value)
            assert str(error.value).startswith("expected ")

        return check

    def test_one_changed_bit(self, refused, tmp_path):
        data = bytearray((tmp_path / "spect.safetensors").read_bytes())
        data[-1] ^= 1
        (tmp_path / "spect.safetensors").write_bytes(data)
        refused("sha256")

    @pytest.mark.parametrize("vouched", [False, True])
    def test_a_pickle_without_running_it(self, vouched, refused, tmp_path):
        class Evil:
            def __reduce__(self):
                return (open, (str(tmp_path / "ran"), "w"))

        data = pickle.dumps(Evil())
        if vouched:
            signed(tmp_path, data)
        else:
            (tmp_path / "spect.safetensors").write_bytes(data)
        refused("safetensors file" if vouched else "sha256")
        assert not (tmp_path / "ran").exists()

    def test_weights_of_another_network(self, refused, tmp_path):
        save_model(tiny_model(filters=4), tmp_path / "other")
        signed(tmp_path, (tmp_path / "other.safetensors").read_bytes())
        refused(r"float32 \(3,\), found float32 \(4,\)")

    def test_weights_that_lack_a_layer(self, refused, tmp_path):
        save_model(tiny_model(steps=2), tmp_path / "other")
        signed(tmp_path, (tmp_path / "other.safetensors").read_bytes())
        refused("found nothing")

    def test_weights_of_another_type(self, refused, tmp_path):
        model = tiny_model()
        save_model(Model(model.card, model.network.bfloat16()), tmp_path / "other")
        signed(tmp_path, (tmp_path / "other.safetensors").read_bytes())
        refused("bfloat16")

    def test_weights_that_are_not_finite(self, refused, tmp_path):
        model = tiny_model()
        with torch.no_grad():
            next(model.network.parameters())[0] = torch.nan
        save_model(model, tmp_path / "other")
        signed(tmp_path, (tmp_path / "other.safetensors").read_bytes())
        refused("NaN")

    def test_a_missing_half(self, refused, tmp_path):
        (tmp_path / "spect.json").unlink()
        refused("only spect.safetensors")

    def test_a_card_that_is_none(self, refused, tmp_path):
        (tmp_path / "spect.json").write_bytes(b"\xff\xfe")
        refused("card")

    @pytest.mark.usefixtures("bundled")
    def test_nothing_there(self):
        with pytest.raises(InputError, match=r"\(none\).*absent"):
            load_model("absent")


@pytest.mark.parametrize("path", ["a\0b", "n" * 5000, "n/" * 3000, "a\0b.json"])
def test_a_path_that_no_file_can_have(path):
    with pytest.raises(
        InputError, match=r"^expected a bundled model .* found '[an].*; see"
    ) as error:
        load_model(path)
    assert str(error.value).isprintable()


def test_a_card_that_asks_for_more_memory_than_there_is(tmp_path):
    write_tiny(tmp_path)
    card = json.loads((tmp_path / "spect.json").read_text())
    card["architecture"] |= {"network": "unet", "filters": 4096, "steps": 16}
    (tmp_path / "spect.json").write_text(json.dumps(card))
    with pytest.raises(InputError, match=r"expected .*network.*, found .*; "):
        load_model(tmp_path / "spect")


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(InputError, match="expected a writable path"):
        save_model(tiny_model(), tmp_path / "file" / "mine")


def test_bundled_models_are_found_by_name(bundled):
    assert bundled_models() == {}
    assert default_model("spect") is None
    bundled_models.cache_clear()
    saved = write_tiny(bundled)
    write_tiny(bundled, "ct")
    assert list(bundled_models()) == ["ct", "spect"]
    assert bundled_models()["spect"] == saved.card
    assert default_model("spect") == "spect"
    assert default_model("spect-ct") is None
    assert load_model("spect").card == saved.card


def test_the_models_of_this_version_load_and_are_small():
    total = 0
    for name, card in bundled_models().items():
        model = load_model(name)
        assert isinstance(card, Card)
        assert model.card == card
        assert card.name == name
        from fuzzyseg.models.locate import BUNDLED

        total += (BUNDLED / f"{name}.safetensors").stat().st_size
    assert total < 15_000_000
