"""Compute what is asked for, and write the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzzyseg.errors import InputError
from fuzzyseg.experiments.reproduce import trainings
from fuzzyseg.experiments.reproduce.items import chosen_items
from fuzzyseg.experiments.reproduce.page import write_page
from fuzzyseg.experiments.reproduce.plan import Plan
from fuzzyseg.experiments.reproduce.preset import PRESETS
from fuzzyseg.experiments.reproduce.results import Results
from fuzzyseg.jobs import Store, get_engine, run
from fuzzyseg.provenance import now, versions
from fuzzyseg.tables import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fuzzyseg.jobs import Engine, Job

_STORE = "store"


def reproduce(
    out: Path,
    names: tuple[str, ...] = ("all",),
    preset: str = "quick",
    *,
    phantom: Path | None = None,
    labels: str | None = None,
    cts: Path | None = None,
    engine: Engine | None = None,
    compute: bool = True,
    report: Callable[[str], None] | None = None,
) -> tuple[Path, dict[str, str]]:
    """Reproduce tables and figures.

    Parameters
    ----------
    out : Path
        What is done there is not done again, whoever did it; several processes may share it.
    names : tuple of str
        Of tables and figures; "all".
    preset : str
        A key of `PRESETS`.
    phantom, labels : optional
        A labelled volume in place of the built-in body, and its table.
    cts : Path, optional
        Folder of real CTs with bone labels.
    engine : Engine, optional
        Of `fuzzyseg.jobs.get_engine`; by default one calculation at a time on this machine.
    compute : bool
        False: only write the page, of what is done.
    report : callable, optional
        Called with a line a job that has ended.

    Returns
    -------
    page : Path
    failures : dict
        Name of a job that failed, and why.

    Raises
    ------
    InputError
        If there is no such item or preset, or an input cannot be used.
    """
    items = chosen_items(names)
    plan = Plan(entry_of(PRESETS, preset, "preset"), phantom, labels, cts)
    _check(plan)
    store = Store(out / _STORE)
    needed = [job for item in items for job in item.jobs(plan)]
    failures = _compute(store, needed, engine or get_engine(), report) if compute else {}
    results = Results(store, failures)
    sections = {item.TITLE: item.section(plan, results) for item in items}
    every = _with_needs(needed)
    sections[trainings.TITLE] = trainings.trainings(every, results)
    told = {
        "preset": f"`{preset}`, {plan.preset.about}",
        "command": _command(names, preset, plan),
        "done": _done(store, every),
        "written": f"{now()}, fuzzyseg {versions()['fuzzyseg']}",
        "paper": "Chen et al., Med Phys 2021;48:3860, doi 10.1002/mp.14903; its numbers are "
        "quoted where needed to judge a claim; ours come from other, simulated "
        "patients",
    }
    title = "Chen et al. 2021, reproduced on simulated patients"
    return write_page(out, sections, title=title, told=told), failures


def _check(plan: Plan) -> None:
    if (plan.phantom is None) != (plan.labels is None):
        raise InputError(
            "expected --phantom and --labels together, found only one of them; give "
            "both, or neither"
        )
    for what, path in (("phantom", plan.phantom), ("cts", plan.cts)):
        if path is not None and not path.exists():
            raise InputError(f"expected --{what} to exist, found no {path}; give another")


def _compute(
    store: Store,
    needed: Sequence[Job],
    engine: Engine,
    report: Callable[[str], None] | None,
) -> dict[str, str]:
    tasks = store.tasks(needed)
    failures: dict[str, str] = {}
    labels = {job.name: job.label for job in _with_needs(needed)}
    with engine as pool:
        for number, outcome in enumerate(run(tasks, pool), start=1):
            name = outcome.task.name
            how = f"{outcome.seconds:.0f} s"
            if outcome.failure is not None:
                failures[name] = outcome.failure.line
                how = f"failed: {outcome.failure.line}"
            if report is not None:
                report(f"{number} of {len(tasks)}: {name} ({labels[name]}): {how}")
    return failures


def _with_needs(jobs: Sequence[Job]) -> list[Job]:
    found: dict[str, Job] = {}
    look = list(jobs)
    for job in look:  # which grows
        if job.name not in found:
            found[job.name] = job
            look += [need for needs in job.needs.values() for need in needs]
    return list(found.values())


def _done(store: Store, every: Sequence[Job]) -> str:
    seconds = [store.record(job)["seconds"] for job in every if store.done(job)]
    return f"{len(seconds)} of {len(every)} jobs, which took {sum(seconds) / 60:.1f} minutes in all"


def _command(names: Sequence[str], preset: str, plan: Plan) -> str:
    words = ["fuzzyseg reproduce", *(names or ("all",)), "--preset", preset, "-o DIR"]
    if plan.phantom is not None:
        words += ["--phantom", plan.phantom.name, "--labels", str(plan.labels).rsplit("/", 1)[-1]]
    if plan.cts is not None:
        words += ["--cts", plan.cts.name]
    return "`" + " ".join(words) + "`"
