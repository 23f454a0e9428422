"""Table III: time per image."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from fuzzyseg.experiments.reproduce.section import Claim, Section, Table
from fuzzyseg.experiments.reproduce.work.timing import timed

if TYPE_CHECKING:
    from fuzzyseg.experiments.reproduce.plan import Plan
    from fuzzyseg.experiments.reproduce.results import Results
    from fuzzyseg.experiments.reproduce.section import Cell
    from fuzzyseg.jobs import Job

NAMES = ("table3",)
TITLE = "Table III: time per image"
_PAPER_FOLD = 221  # RFCM over the ConvNet
_REPEATS = 5


def _job(plan: Plan) -> Job:
    return plan.other(
        "timing",
        timed,
        settings={"repeats": _REPEATS, "cpu": platform.processor() or platform.machine()},
        needs={"model": (plan.model("rfcm"),), "patient": plan.cohort("test")[:1]},
        code=("fuzzyseg.clustering", "fuzzyseg.inference"),
        label="time methods",
    )


def jobs(plan: Plan) -> list[Job]:
    """One timing."""
    return [_job(plan)]


def section(plan: Plan, results: Results) -> Section:
    """Seconds, and how many times the network's."""
    says = f"RFCM takes many times as long as the network (the paper: {_PAPER_FOLD} times)"
    found = results.result(_job(plan))
    if found is None:
        why = results.why_not(_job(plan))
        return Section(why, claims=(Claim(says, "not decided", "", "its job is not done"),))
    methods = found["methods"]
    network = methods["ConvNet"]["seconds"]
    rows: list[list[Cell]] = [
        [name, round(1000 * m["seconds"], 3), m["iterations"], round(m["seconds"] / network, 2)]
        for name, m in methods.items()
    ]
    rows.append(
        ["nighres; the authors' C", None, None, "not run: nighres does not find its Java by itself"]
    )
    plain, ours = (methods[n]["seconds"] / network for n in ("RFCM, plainly", "RFCM, ours"))
    held = plain >= _PAPER_FOLD / 2
    return Section(
        f"One transverse slice of {found['shape'][0]} x {found['shape'][1]} pixels, one thread of "
        f"{os.cpu_count()} cores, the shortest of {_REPEATS}. Plainly: eqs. (5) and (6) in numpy, "
        "float64, loops over classes and neighbours. FCM and RFCM end when no membership changes "
        "by 0.001, or after 100 iterations. The paper's network ran on a GPU.",
        (
            Table(
                "table3",
                "Time of an image",
                ("method", "ms", "iterations", "times the ConvNet"),
                rows,
            ),
        ),
        claims=(
            Claim(
                says,
                "held" if held else "did not hold",
                f"written plainly {plain:.1f} times, ours {ours:.2f} times",
                ""
                if held
                else "on one processor core the network is no faster than fused clustering",
            ),
        ),
    )
