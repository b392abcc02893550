"""When changes go out."""

from itertools import pairwise

from services.dns.plan.pace import Pace


def calls(pace: Pace, seconds: float, *, urgent: bool = False) -> list[float]:
    """Return when changes go out while there is always one to be made."""
    now, sent = 0.0, list[float]()
    while (due := pace.due(now=now, urgent=urgent)) <= seconds:
        now = max(now, due)
        pace.sent(now=now)
        sent.append(round(now, 3))
    return sent


def test_a_first_change_gathers_for_a_moment() -> None:
    assert Pace().due(now=7.0, urgent=False) == 7.2


def test_under_load_one_goes_out_each_second() -> None:
    sent = calls(Pace(), 30)
    assert sent[:3] == [0.2, 0.8, 1.8]
    assert len(sent) <= 31
    assert all(round(b - a, 6) == 1 for a, b in pairwise(sent[1:]))


def test_what_is_urgent_goes_out_five_times_a_second() -> None:
    assert len(calls(Pace(), 2, urgent=True)) == 10


def test_after_a_rest_it_is_quiet_again() -> None:
    pace = Pace()
    calls(pace, 10)
    pace.rest()
    assert pace.due(now=100.0, urgent=False) == 100.2
