import pytest
import torch

from fuzzyseg.training.watch import Watch

NAMES = ("background", "bone", "lesion")


def memberships(shares, certainty=0.9):
    """(1, 3, 100) memberships, each class the highest in its share of the voxels."""
    labels = torch.repeat_interleave(torch.arange(3), torch.tensor(shares))
    u = torch.full((1, 3, 100), (1 - certainty) / 2)
    u[0, labels, torch.arange(100)] = certainty
    return u


def intervals(watch, u, n):
    told = []
    for _ in range(n):
        watch.see(u)
        watch.see(u)
        told.append(watch.report())
    return told


def test_a_healthy_network_gives_no_warning_and_its_shares():
    watch = Watch(NAMES)
    assert intervals(watch, memberships([70, 25, 5]), 8) == [[]] * 8
    assert watch.shares == pytest.approx([0.7, 0.25, 0.05])


def test_an_empty_class_is_told_once_and_by_name():
    told = intervals(Watch(NAMES), memberships([70, 30, 0]), 9)
    assert [len(texts) for texts in told] == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert "lesion" in told[2][0]


def test_equal_memberships_are_told_once():
    told = intervals(Watch(NAMES), memberships([40, 30, 30], certainty=0.4), 9)
    assert [len(texts) for texts in told] == [0, 0, 1, 0, 0, 0, 0, 0, 0]
    assert "nearly equal" in told[2][0]


@pytest.mark.parametrize(("certainty", "warned"), [(0.42, True), (0.45, False)])
def test_equal_means_within_a_tenth(certainty, warned):
    told = intervals(Watch(NAMES), memberships([40, 30, 30], certainty), 3)
    assert bool(told[2]) is warned


def test_two_collapses_are_two_warnings():
    told = intervals(Watch(NAMES), memberships([100, 0, 0]), 3)
    assert len(told[2]) == 2


def test_a_network_that_recovers_is_warned_of_again_if_it_collapses_again():
    watch = Watch(NAMES)
    empty, healthy = memberships([70, 30, 0]), memberships([70, 25, 5])
    assert sum(map(len, intervals(watch, empty, 2))) == 0
    assert sum(map(len, intervals(watch, healthy, 1))) == 0
    assert sum(map(len, intervals(watch, empty, 2))) == 0  # the two before do not count
    assert sum(map(len, intervals(watch, empty, 1))) == 1
    assert sum(map(len, intervals(watch, healthy, 1))) == 0
    assert sum(map(len, intervals(watch, empty, 3))) == 1


def test_intervals_do_not_run_into_each_other():
    watch = Watch(NAMES)
    intervals(watch, memberships([100, 0, 0]), 1)
    intervals(watch, memberships([0, 0, 100]), 1)
    assert watch.shares == [0, 0, 1]


def test_an_interval_without_a_batch_tells_nothing():
    assert Watch(NAMES).report() == []


def test_totals_of_two_processes_add_up():
    one, two, both = Watch(NAMES), Watch(NAMES), Watch(NAMES)
    for watch in (one, both):
        watch.see(memberships([70, 30, 0]))
    for watch in (two, both):
        watch.see(memberships([10, 30, 60], 0.5))
    one.totals += two.totals
    assert one.report() == both.report() == []
    assert one.shares == both.shares == pytest.approx([0.4, 0.3, 0.3])
