import json

import pytest

from fuzzyseg.training.log import Log


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.jsonl"


def test_each_line_is_there_at_once(path):
    log = Log(path)
    log.write(step=1, loss=0.5)
    assert lines(path) == [{"step": 1, "loss": 0.5}]
    log.write(step=2, loss=0.25, shares={"bone": 0.1})
    log.close()
    assert lines(path)[1] == {"step": 2, "loss": 0.25, "shares": {"bone": 0.1}}
    assert log.lines == 2


def written(path, n):
    log = Log(path)
    for step in range(n):
        log.write(step=step, loss=1.0)
    log.close()


def test_a_resumed_run_drops_what_comes_after_its_checkpoint(path):
    written(path, 5)
    with path.open("a") as file:
        file.write('{"step": 5, "lo')  # killed while it wrote
    log = Log(path, keep=3)
    assert log.lines == 3
    log.write(step=3, loss=2.0)
    log.close()
    assert [line["step"] for line in lines(path)] == [0, 1, 2, 3]
    assert lines(path)[3]["loss"] == 2


def test_a_new_run_starts_a_new_log(path):
    written(path, 5)
    Log(path).close()
    assert path.read_text() == ""


def test_a_log_that_was_deleted_starts_anew(path):
    log = Log(path, keep=3)
    assert log.lines == 0
    log.close()


def test_the_lines_to_keep_are_never_absent_from_the_disk(path, monkeypatch):
    """A kill between shortening the log and writing it again would lose them."""
    written(path, 5)

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("pathlib.Path.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        Log(path, keep=3)
    assert len(lines(path)) == 5


def test_not_a_number_is_a_mistake(path):
    log = Log(path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        log.write(step=1, loss=float("nan"))
    log.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_has_every_number_once(path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def write(log, step):
        scores = {"bone": {"dsc": 0.5, "surface_dsc": None}}
        log.write(step=step, loss=float(step), shares={"bone": 0.1}, validation=scores)

    log = Log(path)
    for step in (1, 2, 3):
        write(log, step)
    log.close()
    log = Log(path, keep=1)  # killed after a checkpoint at step 1
    for step in (2, 3):
        write(log, step)
    log.close()
    events = EventAccumulator(str(path.parent / "tensorboard")).Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "shares/bone", "validation/bone/dsc"}
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(1, 1), (2, 2), (3, 3)]
