from fuzzyseg.cli.main import main
from fuzzyseg.cli.segment import FILES


def test_makes_segments_and_evaluates_and_can_run_again(tmp_path, capsys):
    for _ in range(2):
        assert main(["demo", "-o", str(tmp_path)]) == 0
        out = capsys.readouterr().out
        assert "surface DSC" in out
        assert "preview.png" in out
    assert {p.name for p in tmp_path.iterdir() if p.is_file()} == set(FILES)
