import subprocess
import sys

# As where neither the package's folder nor the user's cache folder can be written to.
NOWHERE = "import numba.core.caching as c; c.CacheImpl._locator_classes = []\n"


def run(code):
    return subprocess.run(
        [sys.executable, "-c", NOWHERE + code], capture_output=True, text=True, check=False
    )


def test_code_is_compiled_without_a_cache_and_that_is_said_once():
    done = run(
        "from fuzzyseg.compiled import njit\n"
        "a = njit()(lambda x: x + 1)\n"
        "b = njit(nogil=True)(lambda x: 2 * x)\n"
        "print(a(1), b(4))"
    )
    assert done.stdout == "2 8\n", done.stderr
    assert done.stderr.count("NUMBA_CACHE_DIR") == 1


def test_the_command_line_says_so_in_plain_words(toy_folder, tmp_path):
    source = toy_folder / "spect.nii.gz"
    words = ["segment", str(source), "-o", str(tmp_path / "out"), "--method", "kmeans"]
    done = run(f"import sys; from fuzzyseg.cli.main import main; sys.exit(main({words!r}))")
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if "NUMBA_CACHE_DIR" in line]
    assert len(said) == 1
    assert said[0].startswith("fuzzyseg: warning: compiled code cannot be cached")


def test_other_errors_of_the_compiler_are_not_swallowed():
    done = run(
        "import numba\n"
        "def broken(*a, **k): raise RuntimeError('something else')\n"
        "numba.njit = broken\n"
        "from fuzzyseg.compiled import njit\n"
        "njit()(lambda x: x)"
    )
    assert "something else" in done.stderr
