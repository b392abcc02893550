"""`spawn logs` on a real bus."""

import asyncio
import json

import pytest

from spawn.contracts.ids import ArrayId
from spawn.contracts.logs import Block
from tests.cli.conftest import Spawn, until_read
from tests.fakes.cli_machines import FakeMachines

pytestmark = pytest.mark.door


@pytest.fixture
async def array(spawn: Spawn, machines: FakeMachines) -> ArrayId:
    """An array of four that runs a command."""
    await spawn("launch", "--name", "web", "--count", "4", "--command", "./job")
    return await machines.only()


async def test_stored_output_is_shown_behind_each_member_s_name(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    await machines.machine(array, 0).print(b"a\nb\n")
    await machines.machine(array, 3).print(b"c\n")
    capsys.readouterr()
    assert await spawn("logs", "web") == 0
    assert capsys.readouterr().out == "web-0 | a\nweb-0 | b\nweb-3 | c\n"
    assert await spawn("logs", "web", "--rank", "1-3") == 0
    assert capsys.readouterr().out == "web-3 | c\n"


async def test_bytes_come_out_as_they_went_in(
    spawn: Spawn,
    array: ArrayId,
    machines: FakeMachines,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    data = bytes(range(256)).replace(b"\n", b"") + b"\r\n\n\x1b[31mred\xff\n"
    await machines.machine(array, 1).print(data)
    capsysbinary.readouterr()
    assert await spawn("logs", "web", "--rank", "1", "--no-prefix") == 0
    assert capsysbinary.readouterr().out == data


async def test_a_last_line_without_an_end_is_ended(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    await machines.machine(array, 1).print(b"prompt> ")
    capsys.readouterr()
    assert await spawn("logs", "web") == 0
    assert capsys.readouterr().out == "web-1 | prompt> \n"


async def test_json_tells_each_line_s_place(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = machines.machine(array, 2)
    await machine.print(b"one\n\xff\n", generation=1)
    capsys.readouterr()
    assert await spawn("logs", "web", "--json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first.pop("stored_at")
    assert first == {"array_id": array, "rank": 2, "generation": 1, "line": 0, "text": "one"}
    assert (second["line"], second["text"], second["base64"]) == (1, "\ufffd", "/w==")


async def test_a_block_that_comes_again_is_shown_once_and_a_gap_is_told(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = machines.machine(array, 0)
    first = Block(rank=0, generation=0, first_line=0, lines=2, data=b"a\nb\n")
    longer = Block(rank=0, generation=0, first_line=0, lines=3, data=b"a\nb\nc\n")
    await machine.block(first)
    await machine.block(longer, again=True)
    machine.skip(10)
    await machine.print(b"z\n")
    capsys.readouterr()
    assert await spawn("logs", "web") == 0
    out, err = capsys.readouterr()
    assert out == "web-0 | a\nweb-0 | b\nweb-0 | c\nweb-0 | z\n"
    assert err == "web-0: 7 lines missing here\n"


async def test_f_goes_on_until_the_job_has_ended(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = machines.machine(array, 0)
    await machine.print(b"early\n")
    async with asyncio.TaskGroup() as group:
        following = group.create_task(spawn("logs", "web", "-f"))
        await until_read(capsys, "web-0 | early\n")
        await machine.print(b"late\n")
        await until_read(capsys, "web-0 | late\n")
        await machine.print(b"last\n")
        await machines.finish(array, dict.fromkeys(range(4), 0))
        assert await following == 0
    assert capsys.readouterr().out == "web-0 | last\n"
    assert await spawn("logs", "web", "-f") == 0
    assert capsys.readouterr().out == "web-0 | early\nweb-0 | late\nweb-0 | last\n"


async def test_since_leaves_out_what_is_older(
    spawn: Spawn, array: ArrayId, machines: FakeMachines, capsys: pytest.CaptureFixture[str]
) -> None:
    await machines.machine(array, 0).print(b"a\n")
    capsys.readouterr()
    assert await spawn("logs", "web", "--since", "1h") == 0
    assert capsys.readouterr().out == "web-0 | a\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["web", "--rank", "x"], 2, "--rank: 'x' is not a set of ranks", id="ranks"),
        pytest.param(["web", "--rank", "3,4"], 4, "web has ranks 0-3, and no 4", id="no rank"),
        pytest.param(["web", "--since", "soon"], 2, "--since: 'soon'", id="since"),
        pytest.param(["wep"], 4, "no array is called 'wep'; there is web", id="no array"),
    ],
)
async def test_what_can_t_be_shown_is_said(
    spawn: Spawn,
    array: ArrayId,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    capsys.readouterr()
    assert await spawn("logs", *arguments) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
