import json

from matplotlib.image import imread
from toy_phantom import write_phantom

from fuzzyseg.cli.main import main


def test_writes_a_cohort_with_previews(tmp_path, capsys):
    call = ["simulate", "-o", str(tmp_path), "--patients", "1", "--seed", "5"]
    quick = ["--protocol", "symbia-t16", "--views", "20", "--no-fine"]
    body = [word for name, path in write_phantom(tmp_path).items() for word in (f"--{name}", path)]
    assert main([*call, *quick, *body]) == 0
    assert "1 patients" in capsys.readouterr().out
    assert imread(tmp_path / "patient-0001" / "preview.png").std() > 0.05
    described = json.loads((tmp_path / "patient-0001" / "patient.json").read_text())
    assert described["protocol"]["name"] == "symbia-t16"


def test_a_bad_option_is_one_line(tmp_path, capsys):
    assert main(["simulate", "-o", str(tmp_path), "--protocol", "magic"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "magic" in err
