from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_models import tiny_model

import fuzzyseg.inference.prediction as module
from fuzzyseg.errors import InputError
from fuzzyseg.inference.prediction import predict
from fuzzyseg.networks.registry import NETWORKS


def volume(shape, channels=1, seed=0):
    return np.random.default_rng(seed).normal(0, 2, (channels, *shape)).astype(np.float32)


def called(model, image):
    """The network by itself, on (1, channels, *space)."""
    with torch.inference_mode():
        return model.network(torch.from_numpy(np.ascontiguousarray(image))).softmax(1)[0].numpy()


def by_hand(model, image, plane, context=0):
    """One slice at a time, each with its neighbours, the network called by itself."""
    axis = {"sagittal": 1, "coronal": 2, "transverse": 3}[plane]
    length = image.shape[axis]
    slabs = []
    for k in range(length):
        planes = [
            np.take(c, n, axis - 1)
            if 0 <= n < length
            else np.full_like(np.take(c, 0, axis - 1), c.min())
            for c in image
            for n in range(k - context, k + context + 1)
        ]
        slabs.append(called(model, np.stack(planes)[None]))
    return np.stack(slabs, axis)


@pytest.mark.parametrize("plane", ["transverse", "coronal", "sagittal"])
def test_equals_calling_the_network_slice_by_slice(plane):
    model = tiny_model()
    image = volume((9, 7, 5))
    found = predict(model, image, planes=[plane])
    assert found.shape == (3, 9, 7, 5)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_hand(model, image, plane), atol=1e-5)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)


def test_neighbouring_slices_and_two_channels():
    model = tiny_model("spect-ct", context=2)
    image = volume((6, 7, 5), channels=2)
    expected = by_hand(model, image, "transverse", context=2)
    np.testing.assert_allclose(predict(model, image), expected, atol=1e-5)


@pytest.mark.parametrize("context", [0, 1])
def test_views_and_flips_are_averaged(context):
    model = tiny_model(context=context, planes=("transverse", "sagittal"))
    image = volume((6, 7, 5))
    expected = [
        by_hand(model, image[:, ::s], plane, context)[:, ::s]
        for plane in ("transverse", "sagittal")
        for s in (1, -1)
    ]
    found = predict(model, image, mirror=True)
    np.testing.assert_allclose(found, np.mean(expected, 0), atol=1e-5)


@pytest.mark.parametrize("options", [{"batch": 1}, {"batch": 3}, {"batch": 99}, {"jobs": 1}])
def test_batches_and_threads_do_not_change_the_result(options):
    model, image = tiny_model(), volume((8, 8, 7))
    np.testing.assert_allclose(
        predict(model, image, **options), predict(model, image, jobs=3), atol=1e-5
    )


def test_memory_order_of_the_image_does_not_matter():
    model, image = tiny_model(context=1), volume((8, 9, 7))
    np.testing.assert_array_equal(predict(model, np.asfortranarray(image)), predict(model, image))


def test_a_small_volume_goes_through_a_network_of_volumes_whole():
    model = tiny_model(dims=3)
    image = volume((9, 8, 7))
    np.testing.assert_allclose(predict(model, image), called(model, image[None]), atol=1e-5)
    mirrored = called(model, image[None, :, ::-1])[:, ::-1]
    expected = (called(model, image[None]) + mirrored) / 2
    np.testing.assert_allclose(predict(model, image, mirror=True), expected, atol=1e-5)


def test_blocks_join_without_a_seam(monkeypatch):
    # With no recurrent step, voxels see 8 neighbours on each side; 18 are shared.
    model = tiny_model(dims=3, steps=0, filters=2)
    image = volume((45, 10, 11))
    whole = called(model, image[None])
    entry = replace(NETWORKS["recurrent"], block=30)
    monkeypatch.setitem(NETWORKS, "recurrent", entry)
    monkeypatch.setattr(module, "_OVERLAP", 18)
    found = predict(model, image)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    # Beyond the reach of a block's own border, both blocks agree with the whole.
    np.testing.assert_allclose(found[:, :7], whole[:, :7], atol=1e-5)
    np.testing.assert_allclose(found[:, -7:], whole[:, -7:], atol=1e-5)
    # At a border that is not the volume's, the block that errs has next to no say.
    assert np.abs(found - whole).mean() < 0.1 * np.abs(whole - whole.mean()).mean()


def test_leaves_the_model_and_the_threads_of_torch_as_they_were():
    model = tiny_model()
    model.network.train()
    before = {k: v.clone() for k, v in model.network.state_dict().items()}
    threads = torch.get_num_threads()
    predict(model, volume((6, 6, 6)))
    assert model.network.training
    assert torch.get_num_threads() == threads
    for name, value in model.network.state_dict().items():
        assert torch.equal(value, before[name]), name
        assert value.is_contiguous()


def test_says_how_far_it_is():
    said = []
    predict(
        tiny_model(),
        volume((6, 5, 4)),
        planes=("transverse", "coronal"),
        batch=1,
        progress=lambda *at: said.append(at),
    )
    assert said == [(i, 9) for i in range(1, 10)]


@pytest.mark.parametrize(
    ("model", "shape", "options", "found"),
    [
        ({}, (2, 5, 5, 5), {}, r"\(1, X, Y, Z\)"),
        ({}, (5, 5, 5), {}, r"found \(5, 5, 5\)"),
        ({}, (1, 5, 0, 5), {}, "found"),
        ({}, (1, 5, 5, 5), {"planes": ["oblique"]}, "oblique"),
        ({}, (1, 5, 5, 5), {"planes": []}, "none"),
        ({}, (1, 5, 5, 5), {"batch": 0}, "found 0"),
        ({}, (1, 5, 5, 5), {"engine": "abacus"}, "abacus"),
        ({"dims": 3}, (1, 5, 5, 5), {"planes": ["coronal"]}, "sees volumes"),
    ],
)
def test_refuses_what_does_not_fit(model, shape, options, found):
    with pytest.raises(InputError, match=found):
        predict(tiny_model(**model), np.zeros(shape, np.float32), **options)


@pytest.mark.parametrize("mirror", [False, True])
def test_slices_are_cut_to_what_is_there(mirror):
    """An image that is empty but for a part is seen there as it would be alone, with the margin."""
    model = tiny_model(context=1)
    image = np.zeros((1, 60, 50, 40), np.float32)
    image[:, 20:30, 8:25, 5:35] = volume((10, 17, 30))
    there = image[0] != 0
    options = {"planes": ("transverse", "sagittal"), "mirror": mirror, "engine": "torch"}
    whole = predict(model, image, **options)
    found = predict(model, image, within=there, **options)
    np.testing.assert_allclose(found.sum(0), 1, atol=1e-5)
    inside = (slice(None), slice(21, 29), slice(9, 24), slice(6, 34))
    np.testing.assert_allclose(found[inside], whole[inside], atol=1e-3)
    np.testing.assert_array_equal(found[:, 0, 40, 39], [1, 0, 0])
    nothing = predict(model, image, within=np.zeros_like(there), **options)
    assert (nothing[0] == 1).all()
