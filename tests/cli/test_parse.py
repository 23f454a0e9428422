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
    ).settings
    assert (settings.method, settings.q, settings.mask) == ("fcm", 1.5, False)
    assert settings.parameters == ("tol=1e-3",)


def test_options_of_older_files_are_understood(from_file):
    settings = from_file('views = "one"\nflips = true\ncentres = "held"').settings
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
    ],
)
def test_words_of_nonsense_are_one_line(words, found):
    with pytest.raises(InputError, match=found) as error:
        parse("segment", words)
    assert "\n" not in str(error.value)
