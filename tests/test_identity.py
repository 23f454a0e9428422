import subprocess
import sys

from fuzzyseg.identity import Identity, mark


def test_marks_compare_as_the_identifiers_do():
    assert mark("1.2.3") == mark(" 1.2.3 ") != mark("1.2.30")
    assert mark("") == mark("  ") == ""


def test_conflicts_need_both_sides():
    one = Identity(mark("Anna"), mark("visit"), mark("frame"))
    assert one.conflicts(Identity(mark("Berta"), mark("visit"), "")) == ("patient",)
    assert one.conflicts(Identity()) == ()
    assert one.conflicts(Identity("", mark("other"), mark("other"))) == ("study", "frame")


def test_marks_tell_nothing_to_the_next_process():
    code = "from fuzzyseg.identity import mark; print(mark('PATIENT-1'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() != mark("PATIENT-1")
    assert repr(Identity(mark("PATIENT-1"))) == "Identity()"
