"""Errors as codes and sentences."""

import pytest

from cli.exits import Ended, Exit, Usage, ended_by, guard
from spawn.errors import Conflict, NotFound, Rejected, Transient


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejected("no"), 3),
        (Conflict("no"), 3),
        (NotFound("no"), 4),
        (Transient("no"), 5),
        (Usage("no"), 2),
        (Ended(Exit.TIMED_OUT, "no"), 6),
        (KeyboardInterrupt(), 130),
        (ExceptionGroup("", [ValueError("bug"), ExceptionGroup("", [NotFound("no")])]), 4),
        (BaseExceptionGroup("", [KeyboardInterrupt()]), 130),
        (ValueError("bug"), 70),
    ],
)
def test_an_error_has_a_code(error: BaseException, code: int) -> None:
    assert ended_by(error).code == code


def test_one_message_and_never_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert guard(_break) == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "spawn: this is a defect of spawn: ZeroDivisionError: division by zero"
        " (SPAWN_DEBUG=1 shows where it happened)\n"
    )


def test_a_defect_shows_where_it_happened_when_asked() -> None:
    with pytest.raises(ZeroDivisionError):
        guard(_break, debug=True)


def test_a_command_that_returns_has_done_it() -> None:
    assert guard(lambda: None) == 0


def _break() -> None:
    _ = 1 / 0
