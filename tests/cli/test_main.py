from importlib import metadata

import pytest

from fuzzyseg.cli.main import COMMANDS, main


def test_help_names_every_command(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"fuzzyseg {metadata.version('fuzzyseg')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"fuzzyseg {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["frobnicate"], "frobnicate"),
        (["segment"], "INPUT"),
        (["segment", "a", "-o", "b", "--method", "magic"], "magic"),
        (["segment", "a", "-o", "b", "--clases", "3"], "--clases"),
        (["segment", "a", "-o", "b", "--classes", "three"], "three"),
        (["segment", "a", "-o", "b", "--config"], "TOML"),
        (["segment", "a", "-o", "b", "--config", "absent.toml"], "absent.toml"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(arguments, found, capsys):
    assert main(arguments) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("fuzzyseg: error: expected ")
    assert found in err


@pytest.mark.parametrize(
    ("text", "found"),
    [("method = ", "TOML"), ('methode = "fcm"', "methode"), ('method = "magic"', "magic")],
)
def test_a_wrong_config_is_one_line_and_exit_code_2(text, found, tmp_path, capsys):
    config = tmp_path / "c.toml"
    config.write_text(text)
    assert main(["segment", "a", "-o", "b", "--config", str(config)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert found in err


def test_debug_shows_the_traceback(tmp_path):
    with pytest.raises(ValueError, match="expected a study"):
        main(["segment", str(tmp_path / "absent"), "-o", str(tmp_path / "out"), "--debug"])
