import pytest

from fuzzyseg.cli.parse import parse
from fuzzyseg.errors import InputError

CALL = ["a", "-o", "b"]


@pytest.fixture
def from_file(tmp_path):
    def read(text):
        path = tmp_path / "c.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return parse("segment", [*CALL, "--config", str(path)])

    return read


def test_options_of_a_file_and_of_the_command_line(from_file):
    settings = from_file(
        'method = "fcm"\nq = 1.5\nmask = false\nparameters = ["tol=1e-3"]'
    ).how.settings
    assert (settings.method, settings.q, settings.mask) == ("fcm", 1.5, False)
    assert settings.parameters == ("tol=1e-3",)


def test_options_of_older_files_are_understood(from_file):
    settings = from_file('views = "one"\nflips = true\ncentres = "held"').how.settings
    assert (settings.planes, settings.mirror, settings.centres) == ("one", True, "fixed")


def test_options_that_keep_their_names_elsewhere_are_left_alone(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text("views = 60")
    assert parse("simulate", ["-o", "b", "--config", str(path)]).recipe.views == 60


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"\xff\xfe", "decode"),
        ("a = " + "[" * 50_000, "nested"),
        ("q = " + "9" * 5000, "digits"),
        ("seed = 0x" + "f" * 5000, "digits"),
        ('model = "a\\u0000b"', "NUL"),
        (f'model = "{"x" * 5000}"', "5000 characters"),
        ("[q]\n1 = 2", "expected"),
        ("q = nan\nmethode = 1", "methode"),
        ("q = []", "expected"),
        ("#" * (2**20 + 1), "more than 1048576 bytes"),
    ],
)
def test_files_of_nonsense_are_one_line(text, found, from_file):
    with pytest.raises(InputError, match=found) as error:
        from_file(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["a\0b", "-o", "b"], "NUL"),
        (["x" * 5000, "-o", "b"], "5000 characters"),
        ([*CALL, "--q", "9" * 5000], "5000 characters"),
        ([*CALL, "--seed", "9" * 4400], "characters"),
        ([*CALL, "--method", "magic"], "--method out of auto, model, rfcm"),
        ([*CALL, "--config", "."], "directory"),
        ([*CALL, "--config", "absent.toml"], "'absent.toml': no such file or directory; write"),
        (["a", "-o", ""], "found an empty one"),
        ([*CALL, "--nuclide", ""], "found an empty one"),
    ],
)
def test_words_of_nonsense_are_one_line(words, found):
    with pytest.raises(InputError, match=found) as error:
        parse("segment", words)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("segment", [*CALL, "--weight-kg", "x"], "a number for --weight-kg, found 'x'; see"),
        ("segment", [*CALL, "--beta", "x"], "a number for --beta, found 'x'; see"),
        ("segment", [*CALL, "--jobs", "1.5"], "a whole number for --jobs, found '1.5'; see"),
        ("segment", [*CALL, "--ct-series", "x"], "a whole number for --ct-series, found 'x'; see"),
        ("segment", [*CALL, "--modality", "MR"],
         "one of CT, NM, PT, other for --modality, found 'MR'; choose one"),
        ("segment", [*CALL, "--sex", "x"], "one of male, female for --sex, found 'x'; choose one"),
        ("segment", [*CALL, "--q"], "a value after --q, found none; see"),
        ("segment", ["a", "-o"], "a value after -o/--output, found none; see"),
        ("segment", [*CALL, "--foo", "-1"], "options of fuzzyseg segment, found --foo; see"),
        ("segment", [*CALL, "more", "--jos=3", "--classe", "3"],
         "options of fuzzyseg segment, found --jos (is --jobs meant?) and "
         "--classe (is --classes meant?); see fuzzyseg segment --help"),
        ("segment", [*CALL, "--no-registr"], "options of fuzzyseg segment, found --no-registr "
         "(is --no-register meant?); see"),
        ("segment", [*CALL, "--inputs", "x"], "options of fuzzyseg segment, found --inputs; see"),
        ("evaluate", ["a", "b", "c", "d"], "no more words for fuzzyseg evaluate, found c d; see"),
        ("segment", [], "INPUT and -o PATH, found none; see"),
        ("simulate", ["-o", "b", "--axial", "x", "1"],
         "2 numbers for --axial, found 'x', '1'; see"),
        ("adapt", ["a", "b", "-o", "c", "--mixes", "x"], "numbers for --mixes, found 'x'; see"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_told_in_words_of_its_own(name, words, said):
    with pytest.raises(InputError) as error:
        parse(name, words)
    assert str(error.value).startswith(f"expected {said}")
    assert "None" not in str(error.value)
