from hypothesis import given
from hypothesis import strategies as st

from agent.lines import LARGEST_BLOCK, LONGEST_LINE, Block, Cutter

LINES = st.lists(st.binary(max_size=200).map(lambda each: each.replace(b"\n", b"")), max_size=50)
PIECES = st.lists(st.integers(1, 300), min_size=1, max_size=20)


def cut(data: bytes, pieces: list[int]) -> list[Block]:
    """Cut bytes that come in pieces of these sizes, over and over."""
    cutter, blocks, begin, turn = Cutter(), [Block(b"", 0, 0)], 0, 0
    while begin < len(data):
        piece = data[begin : begin + pieces[turn % len(pieces)]]
        begin += cutter.feed(piece)
        turn += 1
        if cutter.is_full:
            blocks.append(cutter.block())
    cutter.close()
    blocks.append(cutter.block())
    return blocks


@given(lines=LINES, pieces=PIECES)
def test_lines_come_out_as_they_went_in_however_they_were_cut(
    lines: list[bytes], pieces: list[int]
) -> None:
    data = b"".join(line + b"\n" for line in lines)
    blocks = cut(data, pieces)
    assert b"".join(block.data for block in blocks) == data
    assert sum(block.lines for block in blocks) == len(lines)
    assert sum(block.taken for block in blocks) == len(data)


@given(size=st.integers(LONGEST_LINE + 1, 3 * LONGEST_LINE), piece=st.integers(1000, 100_000))
def test_a_long_line_keeps_its_beginning_and_says_how_much_is_missing(
    size: int, piece: int
) -> None:
    data = b"x" * size + b"\nnext\n"
    (block,) = [each for each in cut(data, [piece]) if each.lines]
    note = f" [spawn: {size - LONGEST_LINE} bytes of this line are left out]\n".encode()
    assert block == Block(b"x" * LONGEST_LINE + note + b"next\n", 2, len(data))


def test_a_last_line_without_an_end_gets_one() -> None:
    *_, block = cut(b"one\ntwo", [3])
    assert block == Block(b"one\ntwo\n", 2, 7)


@given(lines=st.lists(st.integers(0, 30_000), min_size=1, max_size=40))
def test_blocks_are_never_much_larger_than_agreed(lines: list[int]) -> None:
    data = b"".join(b"y" * size + b"\n" for size in lines)
    assert all(len(each.data) <= LARGEST_BLOCK + 100 for each in cut(data, [70_000]))


@given(lines=LINES.filter(bool), wanted=st.integers(1, 60), pieces=PIECES)
def test_the_same_number_of_lines_is_the_same_block_again(
    lines: list[bytes], wanted: int, pieces: list[int]
) -> None:
    data = b"".join(line + b"\n" for line in lines)
    wanted = min(wanted, len(lines))
    cutter, begin = Cutter(), 0
    for turn in range(len(data)):
        begin += cutter.feed(data[begin : begin + pieces[turn % len(pieces)]], wanted)
        if cutter.count == wanted:
            break
    assert cutter.block().data == b"".join(line + b"\n" for line in lines[:wanted])
