"""Readable names for launches that were given none."""

import hashlib
from typing import Final

_MANNERS: Final = (
    "able amber brave brisk calm civil clever coral crisp daring deft eager early fair fleet"
    " gentle glad golden grand hardy honest jolly keen kind lively lucid lucky mellow merry neat"
    " nimble noble patient plain proud quick quiet ready rosy sage sharp silver sleek solid spry"
    " stable steady sunny swift tidy trim true vivid warm wise witty young zesty"
)
_ANIMALS: Final = (
    "ant badger bat bear beaver bee bison boar carp cat cod crab crane crow deer dove duck eagle"
    " eel elk falcon ferret finch fox frog goat goose hare hawk hen heron ibex jay kite koala lark"
    " lion llama lynx mole moose moth mouse mule newt otter owl panda perch pike puma quail rat"
    " raven robin seal shrew stork swan tapir tern toad trout vole wasp whale wolf wren yak zebra"
)


def readable_name(request_id: str) -> str:
    """Derive a name such as `brisk-otter-4f` from a request id: the same again for the same id.

    Derived, as the array's id is made from name and request id: one request stays one array.
    """
    digest = hashlib.sha256(request_id.encode()).digest()
    return f"{_pick(_MANNERS, digest[0])}-{_pick(_ANIMALS, digest[1])}-{digest[2]:02x}"


def _pick(words: str, number: int) -> str:
    choices = words.split()
    return choices[number % len(choices)]
