import json

from tiny_models import write_tiny

from fuzzyseg.cli.main import main


def test_lists_bundled_models_and_those_at_paths(bundled, tmp_path, capsys):
    write_tiny(bundled, "ct")
    write_tiny(tmp_path, "spect", context=1)
    path = str(tmp_path / "spect.safetensors")
    assert main(["models", path]) == 0
    out = capsys.readouterr().out
    assert "recurrent 2-D, 3 slices" in out
    assert "nothing" in out  # what it was trained on
    assert main(["models", "--json", path]) == 0
    ours, other = json.loads(capsys.readouterr().out)
    assert (ours["name"], ours["task"], ours["path"]) == ("ct", "ct", None)
    assert (other["name"], other["path"]) == ("spect", path)
    size = sum((tmp_path / f"spect.{s}").stat().st_size for s in ("json", "safetensors"))
    assert other["bytes"] == size


def test_says_so_where_there_are_none(bundled, capsys):
    assert main(["models"]) == 0
    assert "no models" in capsys.readouterr().out
    assert main(["models", str(bundled / "absent")]) == 2
    assert "absent" in capsys.readouterr().err


def test_figures_of_a_card_in_one_line():
    from fuzzyseg.cli.models import scores, trained_on

    of = {"bone": {"dsc": 0.851, "surface_dsc": 0.9}, "lesion": {"dsc": None}}
    assert scores({"validation": of, "other": 3}) == "DSC of validation: bone 0.85"
    assert scores({}) == "-"
    of = {"patients": 20, "lesion_dsc": [0.58, 0.54, 0.61], "false_pieces": [4.0, 2.2, 6.0]}
    assert scores({"test": of, "note": "mean"}) == "DSC of test: lesion 0.58"
    assert trained_on({"cases": ["a", "b"], "config": {"loss": "rfcm"}}) == "2 cases, loss rfcm"
    assert trained_on({}) == "-"
