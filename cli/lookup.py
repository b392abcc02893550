"""Which array a person means by a name or an id."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from spawn.contracts.arrays import Array
from spawn.errors import NotFound

_SUGGESTIONS = 3


def find_array(arrays: Collection[Array], text: str) -> Array:
    """Return the array with this id, or the one with this name that lives, or the newest.

    Raises `NotFound` with the nearest names.
    """
    matching = [array for array in arrays if text in (array.id, array.name)]
    if not matching:
        raise NotFound(f"no array is called {text!r}{_suggest(arrays, text)}")
    return max(matching, key=lambda array: (not array.state.is_over, array.accepted_at))


def _suggest(arrays: Iterable[Array], text: str) -> str:
    """Suggest what was meant; the living are named first where nothing is alike."""
    ordered = sorted(arrays, key=lambda array: (array.state.is_over, array.name))
    names = list(dict.fromkeys(array.name for array in ordered))
    near = get_close_matches(text, names, n=_SUGGESTIONS) or names[:_SUGGESTIONS]
    return f"; there is {', '.join(near)}" if near else "; there is none yet"


def words_to_complete(arrays: Iterable[Array], incomplete: str) -> list[str]:
    """Return what completes an array's name: living arrays' names, and ids once they are typed."""
    living = [array for array in arrays if not array.state.is_over]
    names = sorted({array.name for array in living if array.name.startswith(incomplete)})
    ids = [array.id for array in living if incomplete and array.id.startswith(incomplete)]
    return names or sorted(ids)
