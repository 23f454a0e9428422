import json
from dataclasses import replace

from toy_phantom import write_phantom

from fuzzyseg.batch.one import FILES
from fuzzyseg.cli import demo
from fuzzyseg.cli.main import main
from fuzzyseg.conventions import MEASURED_CT


def test_makes_segments_and_evaluates_and_can_run_again(tmp_path, capsys, monkeypatch):
    """On a small body; the gate, `.ci/run`, runs the demo as it is."""
    small = replace(
        demo.RECIPE, views=20, axial=(0.0, 1.0), mass_kg=70.0, **write_phantom(tmp_path)
    )
    monkeypatch.setattr(demo, "RECIPE", small)
    out = tmp_path / "out"
    for _ in range(2):
        assert main(["demo", "-o", str(out)]) == 0
        told = capsys.readouterr().out
        assert "surface DSC" in told
        assert "preview.png" in told
    assert {p.name for p in out.iterdir() if p.is_file()} == {MEASURED_CT, *FILES}
    suv = json.loads((out / "summary.json").read_text())["suv"]
    assert suv["per_bq_ml"] > 0  # weight, activity and time of the patient are told
