from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from spawn.aws.turns import Turn, Turns

KEYS = st.sampled_from(["a", "b", "c", "d"])
COSTS = st.sampled_from([0.5, 1.0, 10.0, 50.0])
MOVES = st.lists(
    st.tuples(st.just("enter"), KEYS, COSTS)
    | st.just(("serve", "", 0.0))
    | st.just(("leave", "", 0.0)),
    max_size=60,
)


class Recorder:
    """Plays moves, and remembers when (in cost served so far) who came, led and was served."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.waiting: list[Turn] = []
        self.total = 0.0
        self.entered: dict[Turn, float] = {}
        self.led: dict[Turn, float] = {}
        self.served: list[Turn] = []

    def play(self, moves: list[tuple[str, str, float]]) -> None:
        for move, key, cost in moves:
            if move == "enter":
                self.waiting.append(turn := self.turns.enter(key, cost))
                self.entered[turn] = self.total
            elif move == "serve" and self.waiting:
                self.serve()
            elif move == "leave" and self.waiting:
                self.turns.leave(self.waiting.pop(len(self.waiting) // 2))
            self.note_leaders()
        while self.waiting:
            self.serve()
            self.note_leaders()

    def serve(self) -> None:
        first = self.turns.first()
        assert first is not None
        self.turns.serve(first)
        self.waiting.remove(first)
        self.served.append(first)
        self.total += first.cost

    def note_leaders(self) -> None:
        for key in "abcd":
            mine = [turn for turn in self.waiting if turn.key == key]
            if mine:
                self.led.setdefault(mine[0], self.total)


@given(MOVES)
def test_nothing_that_comes_after_a_call_was_due_is_served_before_it(
    moves: list[tuple[str, str, float]],
) -> None:
    played = Recorder()
    played.play(moves)
    for place, turn in enumerate(played.served):
        due = played.led[turn] + turn.cost
        assert all(played.entered[earlier] <= due for earlier in played.served[:place])


@given(MOVES)
def test_all_that_stay_are_served_once_and_a_key_in_its_order(
    moves: list[tuple[str, str, float]],
) -> None:
    played = Recorder()
    played.play(moves)
    numbers = [turn.number for turn in played.served]
    assert len(numbers) == len(set(numbers))
    assert len(played.turns) == 0
    assert played.turns.first() is None
    for key in "abcd":
        mine = [turn.number for turn in played.served if turn.key == key]
        assert mine == sorted(mine)


def test_a_small_call_passes_large_ones() -> None:
    turns = Turns()
    for _ in range(10):
        turns.enter("large", 50.0)
    small = turns.enter("small", 0.5)
    assert turns.first() == small


def test_keys_with_equal_calls_take_turns() -> None:
    played = Recorder()
    played.play([("enter", key, 1.0) for key in "aaabbbccc"])
    assert "".join(turn.key for turn in played.served) == "abcabcabc"


def test_a_large_array_gets_half_beside_a_stream_of_small_ones() -> None:
    turns = Turns()
    for _ in range(3):
        turns.enter("large", 50.0)
    served: list[str] = []
    for number in range(300):
        turns.enter(f"small-{number}", 1.0)
        first = turns.first()
        assert first is not None
        turns.serve(first)
        served.append(first.key)
    places = [place for place, key in enumerate(served) if key == "large"]
    assert len(places) == 3
    assert all(later - place <= 53 for place, later in pairwise([0, *places]))


def test_a_call_that_is_given_up_costs_its_key_nothing() -> None:
    turns = Turns()
    turns.enter("other", 30.0)
    turns.leave(turns.enter("key", 100.0))
    again = turns.enter("key", 10.0)
    assert turns.first() == again
