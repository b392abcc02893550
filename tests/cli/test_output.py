"""Blocks and flows of bytes as lines."""

import json
from datetime import timedelta
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cli.answers import Answers, Lines
from cli.output import Continuity, FirstLines, JsonPrinter, Prefix, Taken, TextPrinter, split_lines
from spawn.bus.logs import Logged
from spawn.contracts.logs import Block
from spawn.contracts.reports import ExecOutput
from tests.fakes.cli_launcher import NOON

LINE = st.binary(max_size=5).map(lambda line: line.replace(b"\n", b""))
LINES = st.lists(LINE, max_size=20)
CUTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12)


def block(lines: list[bytes], first: int, *, rank: int = 0, generation: int = 0) -> Block:
    return Block(
        rank=rank,
        generation=generation,
        first_line=first,
        lines=len(lines),
        data=b"".join(line + b"\n" for line in lines),
    )


def logged(rank: int, data: bytes = b"") -> Logged:
    one = Block(rank=rank, generation=0, first_line=7, lines=1, data=data)
    return Logged(block=one, stored_at=NOON + timedelta(seconds=1), sequence=1)


@given(st.lists(LINE, min_size=1, max_size=20), CUTS)
def test_each_line_is_taken_once_however_blocks_overlap(
    lines: list[bytes], cuts: list[tuple[int, int]]
) -> None:
    continuity, shown = Continuity(), list[bytes]()
    shown += continuity.take(block(lines[:1], 0)).lines
    ends = 1
    for begin, length in cuts:
        first = min(begin, ends)
        taken = continuity.take(block(lines[first : first + length], first))
        assert taken.missing == 0
        shown += taken.lines
        ends = max(ends, min(first + length, len(lines)))
    assert shown == lines[: min(ends, len(lines))]


def test_a_gap_is_counted_within_a_generation_alone() -> None:
    continuity = Continuity()
    assert continuity.take(block([b"late"], 40)) == Taken([b"late"], 40, 0)
    assert continuity.take(block([b"x"], 44)).missing == 3
    assert continuity.take(block([b"y"], 9, generation=1)).missing == 0
    assert continuity.take(block([b"z"], 9, rank=1)).missing == 0


@given(LINES)
def test_a_block_s_lines_are_those_that_went_in(lines: list[bytes]) -> None:
    assert split_lines(b"".join(line + b"\n" for line in lines)) == lines


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_a_flow_is_cut_into_the_same_lines_however_it_arrives(
    data: bytes, cuts: list[int]
) -> None:
    lines, found = Lines(), list[bytes]()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for begin, end in pairwise(edges):
        found += lines.feed(data[begin:end])
    assert found + lines.finish() == (split_lines(data) if data else [])


def test_a_prefix_is_coloured_by_rank_or_left_out() -> None:
    def put(*, wanted: bool, coloured: bool) -> bytes:
        return Prefix("web", wanted=wanted, coloured=coloured).put_before(3, [b"a", b""])

    assert put(wanted=True, coloured=False) == b"web-3 | a\nweb-3 | \n"
    assert put(wanted=True, coloured=True).startswith(b"\x1b[35mweb-3 |\x1b[0m a\n")
    assert put(wanted=False, coloured=True) == b"a\n\n"


def test_only_the_first_lines_are_shown() -> None:
    written: list[bytes] = []
    text = TextPrinter(Prefix("web", wanted=True, coloured=False), written.append)
    first = FirstLines(text, most=3, rest="more")
    for _ in range(3):
        first.show(logged(0), Taken([b"a", b"b"], 0, 0))
    assert b"".join(written) == b"web-0 | a\nweb-0 | b\nweb-0 | a\n"


@given(st.binary(max_size=20))
def test_a_line_as_json_can_be_read_back(line: bytes) -> None:
    written: list[bytes] = []
    JsonPrinter("web-abc", written.append).show(logged(4), Taken([line], 7, 0))
    (shown,) = (json.loads(each) for each in b"".join(written).splitlines())
    assert (shown["rank"], shown["line"]) == (4, 7)
    encoded = shown.get("base64")
    back = msgspec.convert(encoded, bytes) if encoded else shown["text"].encode()
    assert back == line


class Recorded:
    """What answers show."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, str, bytes | int]] = []

    def lines(self, rank: int, stream: str, lines: list[bytes]) -> None:
        self.shown += ((rank, stream, line) for line in lines)

    def exited(self, rank: int, code: int) -> None:
        self.shown.append((rank, "exit", code))


def test_answers_of_members_are_kept_apart_and_end_with_their_code() -> None:
    recorded = Recorded()
    answers = Answers((0, 1), recorded)

    def say(rank: int, data: bytes, code: int | None = None) -> None:
        said = ExecOutput(generation=0, at=NOON, rank=9, data=data, exit_code=code)
        answers.take(rank, said)

    say(0, b"a")
    say(1, b"b\n")
    say(0, b"c", 0)
    say(0, b"after the end\n")
    say(5, b"nobody asked\n")
    assert recorded.shown == [(1, "stdout", b"b"), (0, "stdout", b"ac"), (0, "exit", 0)]
    assert (answers.left, answers.codes) == ({1}, {0: 0})
