import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy_tasks

from fuzzyseg.errors import InputError
from fuzzyseg.jobs import Here, Job, Store, get_engine, run, sources_digest

TESTS = str(Path(toy_tasks.__file__).parent)


def job(log, name, sleep=0, **more):
    settings = {"log": str(log), "name": name, "sleep": sleep}
    return Job("toy", toy_tasks.write, settings, **more)


def computed(store, jobs, n=1):
    with get_engine("local", jobs=n) as engine:
        return list(run(store.tasks(jobs), engine, again_s=0.05))


def test_a_job_gets_what_it_needs_and_is_done_once(tmp_path):
    store, log = Store(tmp_path / "store"), tmp_path / "log"
    first = job(log, "a")
    last = job(log, "c", needs={"parts": (first, job(log, "b", needs={"before": (first,)}))})
    assert len(store.tasks([last, first])) == 3
    assert all(o.failure is None for o in computed(store, [last]))
    assert (store.path(last) / "text").read_text() == "aabc"
    assert log.read_text().split() == ["a", "b", "c"]
    assert store.tasks([last]) == []
    record = store.record(last)
    assert record["result"] == {"length": 2}
    assert record["settings"]["name"] == "c"
    assert record["seconds"] >= 0


def test_a_key_changes_with_all_that_the_result_depends_on(tmp_path):
    log, file = tmp_path / "log", tmp_path / "file"
    file.write_text("one")
    plain = job(log, "a")
    assert plain.key == job(log, "a", label="other words").key
    others = [
        job(log, "b"),
        job(log, "a", needs={"x": (plain,)}),
        job(log, "a", needs={"y": (plain,)}),
        job(log, "a", code=("fuzzyseg.errors",)),
        job(log, "a", files={"phantom": file}),
    ]
    assert len({plain.key, *(other.key for other in others)}) == 6
    moved = tmp_path / "moved"
    moved.write_text("one")
    assert job(log, "a", files={"phantom": moved}).key == others[-1].key
    moved.write_text("two, longer")
    assert job(log, "a", files={"phantom": moved}).key != others[-1].key


def test_sources_count_without_their_sentences(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)

    def digest(text, name):
        (tmp_path / f"{name}.py").write_text(text)
        return sources_digest((name,))

    # The digest holds the module's name: the same name, read afresh, for what is compared.
    first = digest('"""Doc."""\ndef f():\n    """Say."""\n    return 1\n', "written")
    sources_digest.cache_clear()
    assert digest("# note\ndef f():\n\n    return 1\n", "written") == first
    sources_digest.cache_clear()
    assert digest("def f():\n    return 2\n", "written") != first
    with pytest.raises(ValueError, match="no sources"):
        sources_digest(("absent_module",))


def test_two_processes_share_a_store_and_do_nothing_twice(tmp_path):
    log = tmp_path / "log"
    code = (
        f"import sys; sys.path.insert(0, {TESTS!r}); import toy_tasks\n"
        "from pathlib import Path\n"
        "from fuzzyseg.jobs import Job, Store, get_engine, run\n"
        "def main():\n"
        f"    store = Store(Path({str(tmp_path / 'store')!r}))\n"
        f"    jobs = [Job('toy', toy_tasks.write, {{'log': {str(log)!r}, 'name': str(n),\n"
        "        'sleep': 0.15}) for n in range(8)]\n"
        "    with get_engine('local', jobs=1) as engine:\n"
        "        done = list(run(store.tasks(jobs), engine, again_s=0.05))\n"
        "        assert all(o.failure is None for o in done)\n"
        "    assert all(map(store.done, jobs))\n"
        "if __name__ == '__main__':\n    main()\n"
    )
    script = tmp_path / "share.py"
    script.write_text(code)
    both = [subprocess.Popen([sys.executable, str(script)]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(log.read_text().split()) == [str(n) for n in range(8)]


def test_a_killed_job_starts_anew_or_goes_on(tmp_path):
    store = Store(tmp_path / "store")
    resumed = Job("toy", toy_tasks.go_on, resumes=True)
    [killed] = computed(store, [resumed])
    assert "signal 9" in killed.failure.line
    assert not store.done(resumed)
    [went_on] = computed(store, [resumed])
    assert went_on.failure is None
    assert store.record(resumed)["result"] == {"went_on": True}
    anew = Job("toy", toy_tasks.go_on, {"anew": True})
    for _ in range(2):  # what it left is gone when it starts again
        [killed] = computed(store, [anew])
        assert "signal 9" in killed.failure.line


def test_a_full_disk_leaves_no_job_that_looks_done(tmp_path):
    store, full = Store(tmp_path / "store"), Job("toy", toy_tasks.fill)
    with pytest.raises(InputError, match="found a full disk"):
        list(run(store.tasks([full, job(tmp_path / "log", "a")]), Here()))
    assert not store.done(full)
    assert not (tmp_path / "log").exists()


def test_a_killed_run_leaves_no_process_behind(tmp_path):
    log = tmp_path / "log"
    script = tmp_path / "long.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {TESTS!r}); import toy_tasks\n"
        "from pathlib import Path\n"
        "from fuzzyseg.jobs import Job, Store, get_engine, run\n"
        "if __name__ == '__main__':\n"
        f"    store = Store(Path({str(tmp_path / 'store')!r}))\n"
        f"    job = Job('toy', toy_tasks.write, {{'log': {str(log)!r}, 'name': 'x', 'sleep': 3}})\n"
        "    with get_engine('local', jobs=1) as engine:\n"
        "        list(run(store.tasks([job]), engine))\n"
    )
    process = subprocess.Popen([sys.executable, str(script)])
    while not log.exists():
        time.sleep(0.05)
        assert process.poll() is None
    process.kill()
    process.wait(10)
    store = Store(tmp_path / "store")
    same = job(log, "x", 3)
    # The lock is free at once, not after the three seconds: the worker ended with its parent.
    started = time.monotonic()
    outcomes = computed(store, [same])
    assert outcomes[0].failure is None
    assert log.read_text().split() == ["x", "x"]
    assert time.monotonic() - started < 60
