"""Importing is cheap, and doctests hold."""

import doctest
import subprocess
import sys

import pytest

from fuzzyseg.clustering import fcm, threshold


def test_import_loads_and_compiles_nothing():
    program = (
        "import sys, fuzzyseg.clustering\n"
        "heavy = {'numba', 'torch', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "from fuzzyseg.clustering import _kernels\n"
        "kernels = [f for f in vars(_kernels).values() if hasattr(f, 'signatures')]\n"
        "assert len(kernels) > 5 and not any(f.signatures for f in kernels)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_kernels_compile_once_whatever_the_image_and_parameters_are_stored_as():
    program = (
        "import numpy as np\n"
        "from fuzzyseg.clustering import KFCM, PCM, RFCM, _kernels, _sweep\n"
        "image = np.random.default_rng(0).random((6, 7, 8), np.float32)\n"
        "frozen = image.copy(); frozen.flags.writeable = False\n"
        "for y in (image, frozen, np.asfortranarray(image), image.astype('>f4'), image[::2]):\n"
        "    for q, beta in ((2, 0), (2.0, 1e-3)):\n"
        "        for mask in (None, y > 0.1):\n"
        "            RFCM(q=q, beta=beta, max_iter=2).fit(y, mask)\n"
        "for kernel in (_kernels.histogram, _kernels.fcm, _kernels.rfcm_pass):\n"
        "    assert len(kernel.signatures) == 1, kernel.signatures\n"
        "for model in (KFCM(max_iter=2), PCM(max_iter=2)):\n"
        "    model.fit(image)\n"
        "    for fitted in vars(model).values():\n"
        "        if isinstance(fitted, np.ndarray): fitted.flags.writeable = False\n"
        "    model.predict(image)\n"
        "assert len(_sweep.sweep.signatures) == 1, _sweep.sweep.signatures\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("module", [fcm, threshold])
def test_examples_in_docstrings(module):
    found = doctest.testmod(module)
    assert found.attempted
    assert not found.failed
