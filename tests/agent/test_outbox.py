import json
from pathlib import Path

import pytest

from agent import outbox as module
from agent.clock import Clock
from agent.outbox import Outbox, Sender
from agent.subjects import Subjects

SENDER = Sender(Subjects("training-abcdefghijkl", "i-1"), "boot-1")


def open_outbox(folder: Path) -> Outbox:
    return Outbox(folder, SENDER, Clock())


def waiting(folder: Path) -> list[dict[str, object]]:
    return [json.loads(each.read_bytes()) for each in sorted(folder.glob("[0-9]*-*"))]


def send_all(folder: Path) -> None:
    for each in folder.glob("[0-9]*-*"):
        each.unlink()


async def test_reports_wait_in_order_each_under_its_own_id(tmp_path: Path) -> None:
    await open_outbox(tmp_path).put("hello", {"n": 1})
    again = open_outbox(tmp_path)
    await again.put("hello", {"n": 2})
    assert [each["id"] for each in waiting(tmp_path)] == [
        "i-1/hello/boot-1/0",
        "i-1/hello/boot-1/1",
    ]
    assert [each["body"] for each in waiting(tmp_path)] == [{"n": 1}, {"n": 2}]


async def test_an_id_is_never_given_twice_even_after_all_was_sent(tmp_path: Path) -> None:
    await open_outbox(tmp_path).put("hello", {})
    send_all(tmp_path)
    await open_outbox(tmp_path).put("hello", {})
    assert waiting(tmp_path)[0]["id"] == "i-1/hello/boot-1/1"


async def test_a_report_with_a_key_is_the_same_report_again(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    for _ in range(2):
        await outbox.put("job.exited", {}, key="job/0")
    assert {each["id"] for each in waiting(tmp_path)} == {"i-1/job.exited/job/0"}


async def test_only_the_newest_heartbeat_waits(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    await outbox.put("hello", {})
    for number in range(3):
        await outbox.put("heartbeat", {"n": number})
    assert [each["body"] for each in waiting(tmp_path)] == [{}, {"n": 2}]


async def test_too_much_waiting_costs_what_may_be_lost(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path)
    await outbox.put("job.exited", {"exit_code": 3})
    size = module.MOST_BYTES // 3
    for number in range(4):
        await outbox.put(f"exec.e{number}", {"data": "x" * size})
    kinds = [str(each["id"]).split("/")[1] for each in waiting(tmp_path)]
    assert kinds == ["job.exited", "exec.e2", "exec.e3"]


@pytest.mark.parametrize("torn", [b"", b'{"subject": "x"'])
async def test_what_a_crash_has_torn_is_left_out(tmp_path: Path, torn: bytes) -> None:
    (tmp_path / "000000000000-hello").write_bytes(torn)
    assert module.read_report(tmp_path / "000000000000-hello") is None
