import json
import tomllib
from dataclasses import asdict, replace

import pytest
from matplotlib.image import imread

from fuzzyseg.cli.parse import parse
from fuzzyseg.errors import InputError
from fuzzyseg.training.config import Config
from fuzzyseg.training.run_record import config_from_json, config_to_toml, draw_curves

OTHER = Config(
    loss="rfcm+ce",
    q=1.5,
    lam=1e-9,
    centres="running",
    channels=("spect", "ct"),
    classes=2,
    planes=("coronal",),
    ct_window_hu=(-200.0, 300.5),
    spacing_mm=4.4,
    lr=1e-05,
    augment=False,
    autocast=True,
    compile=True,
    checkpoint_minutes=0.0005,
)


@pytest.mark.parametrize("config", [Config(), OTHER])
@pytest.mark.parametrize(
    "words",
    [
        ["DATA", "MORE", "-o", "RUN"],
        ["-o", "RUN", "DATA", "MORE"],
        ["DATA", "MORE", "--output=RUN"],
    ],
)
def test_the_toml_of_a_run_gives_the_run_again(config, words, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(config_to_toml(config))
    command = parse("train", [*words, "--config", str(path)])
    assert command.train == config
    assert [str(p) for p in command.data] == ["DATA", "MORE"]


def test_a_file_of_lists_alone_does_not_swallow_the_data(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('channels = ["spect", "ct"]\n')
    command = parse("train", ["DATA", "-o", "RUN", "--config", str(path)])
    assert command.train == replace(Config(), channels=("spect", "ct"))
    assert [str(p) for p in command.data] == ["DATA"]


def test_a_file_with_the_names_of_before_is_read(tmp_path):
    now = replace(OTHER, centres="fixed")
    old = config_to_toml(now).replace("planes =", "views =").replace('"fixed"', '"held"')
    path = tmp_path / "config.toml"
    path.write_text(old)
    assert parse("train", ["DATA", "-o", "RUN", "--config", str(path)]).train == now
    assert config_from_json(tomllib.loads(old)) == now


def test_what_the_command_line_says_wins(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(config_to_toml(OTHER))
    words = ["DATA", "-o", "RUN", "--q", "2.5", "--planes", "sagittal", "transverse"]
    found = parse("train", [*words, "--config", str(path)]).train
    assert found == replace(OTHER, q=2.5, planes=("sagittal", "transverse"))


def test_toml_leaves_out_what_is_none():
    assert "spacing_mm" not in tomllib.loads(config_to_toml(Config()))
    assert tomllib.loads(config_to_toml(OTHER))["spacing_mm"] == 4.4


def test_json_gives_the_configuration_again():
    assert config_from_json(json.loads(json.dumps(asdict(OTHER)))) == OTHER


def test_settings_of_another_version_are_refused():
    with pytest.raises(InputError, match="found momentum"):
        config_from_json({"momentum": 0.9})


def test_curves_are_drawn_of_every_log(tmp_path):
    def line(step, **more):
        return {"step": step, "loss": 1 / step, "shares": {"background": 0.9, "bone": 0.1}, **more}

    def scores(bone, lesion):
        return {"validation": {"bone": {"dsc": bone}, "lesion": {"dsc": lesion}}}

    log, path = tmp_path / "log.jsonl", tmp_path / "curves.png"
    pictures = []
    for lines in (
        [line(1), line(2)],
        [line(1), line(2, **scores(None, None))],
        [line(1, **scores(0.2, None)), line(2, **scores(0.5, 0.9))],
    ):
        log.write_text("".join(json.dumps(x) + "\n" for x in lines))
        draw_curves(log, path)
        pictures.append(imread(path))
    assert pictures[0].std() > 0.05
    assert abs(pictures[2] - pictures[1]).max() > 0.5
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curves.png", "log.jsonl"]


def test_an_empty_log_has_no_curves(tmp_path):
    (tmp_path / "log.jsonl").write_text("")
    draw_curves(tmp_path / "log.jsonl", tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
