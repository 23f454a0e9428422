import pytest
from tiny_models import write_tiny
from toy_training import write_manifest

from fuzzyseg.experiments.typical import main
from fuzzyseg.models.locate import card_of


@pytest.mark.parametrize("task", ["spect", "spect-ct"])
def test_the_command_describes_models_in_their_cards(task, tmp_path, capsys):
    write_tiny(tmp_path, task)
    model = str(tmp_path / task)
    main([str(write_manifest(tmp_path)), "--models", model])
    said = card_of(model).typical
    assert said.patients == 2
    assert capsys.readouterr().out == (
        f"{model}: 2 patients, bone {said.bone[0]} to {said.bone[1]}, "
        f"undecided {said.undecided[0]} to {said.undecided[1]}\n"
    )


def test_what_is_wrong_is_said_in_one_line(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path), "--models", "spect"])
    assert "found none in" in capsys.readouterr().err
