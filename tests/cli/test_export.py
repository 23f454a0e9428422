import pytest
from tiny_models import write_tiny

from fuzzyseg.cli.main import main


def test_writes_a_model_that_others_can_read(tmp_path, capsys):
    onnx = pytest.importorskip("onnx")
    write_tiny(tmp_path)
    out = tmp_path / "m.onnx"
    call = ["export", str(tmp_path / "spect"), "-o", str(out)]
    assert main(call) == 0
    assert "memberships" in capsys.readouterr().out
    onnx.checker.check_model(onnx.load(out))
    assert main(call) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*call, "--force"]) == 0


@pytest.mark.parametrize(
    ("model", "out", "found"), [("spect", "m.pb", ".onnx"), ("absent", "m.onnx", "absent")]
)
def test_a_wrong_call_writes_nothing(model, out, found, tmp_path, capsys):
    write_tiny(tmp_path)
    assert main(["export", str(tmp_path / model), "-o", str(tmp_path / out)]) == 2
    assert found in capsys.readouterr().err
    assert not (tmp_path / out).exists()


def test_onnx_that_is_not_installed(tmp_path, monkeypatch, capsys):
    import importlib.util

    write_tiny(tmp_path)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "onnx" else find(name, *a)
    )
    assert main(["export", str(tmp_path / "spect"), "-o", str(tmp_path / "m.onnx")]) == 2
    assert "fuzzyseg[onnx]" in capsys.readouterr().err
