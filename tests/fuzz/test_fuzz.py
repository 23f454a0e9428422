"""Mutants of seven small studies: none may end in a traceback, hang, or change without a word.

`make fuzz` runs ten times as many. `harness.py` says what is counted, `judge.py` what a mutant
may differ by.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from corpus import studies
from dicom_bytes import build, parse
from harness import LIMIT_S, run
from judge import is_silent

from fuzzyseg.volume import Volume


def test_two_thousand_mutants():
    tally = run(2000)
    assert not tally.failures, "\n".join(tally.failures[:20])
    assert tally.slowest_s < LIMIT_S
    # The corpus is neither all refused nor all read.
    assert min(tally.outcomes["read"], tally.outcomes["refused"]) > 400


def test_the_judge_sees_what_nothing_accounts_for(tmp_path):
    study = studies(tmp_path)[0]
    (raw,) = study.files.values()
    whole = Volume(np.ones((2, 2, 2)), np.eye(4), "NM")
    other = replace(whole, array=whole.array * 2)
    moved = replace(whole, affine=np.diag([2.0, 1, 1, 1]))
    elements = parse(raw)
    assert build(raw, elements) == raw
    spacing = next(i for i, e in enumerate(elements) if e.tag == (0x0028, 0x0030))
    elements[spacing] = replace(elements[spacing], value=b"7\\7 ")
    files = {"nm.dcm": build(raw, elements)}
    assert not is_silent(study, files, whole, whole)
    assert not is_silent(study, files, whole, moved)  # believed: it is a spacing
    assert is_silent(study, files, whole, other)  # a spacing changes no value
    assert is_silent(study, study.files, whole, moved)
    assert not is_silent(study, files, whole, replace(other, warnings=("told",)))
