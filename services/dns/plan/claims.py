"""Which array has a stem when several want the same names: the one that was accepted first."""

from collections.abc import Iterable, Mapping

import msgspec

from services.dns.model import Ownership
from spawn.contracts.arrays import Array
from spawn.contracts.hostnames import stem_of
from spawn.contracts.ids import ArrayId


def refused_arrays(arrays: Iterable[Array]) -> dict[ArrayId, str]:
    """Return the arrays that get no names, each with the reason.

    The launcher refuses such launches; two at the same moment, and adopted arrays, it can't.
    """
    held: dict[str, Array] = {}
    ranks: dict[str, dict[int, Array]] = {}
    refused: dict[ArrayId, str] = {}
    for array in sorted(arrays, key=lambda each: (each.accepted_at, each.id)):
        stem = stem_of(array)
        holder = held.get(stem) or _holder_of_rank(stem, held) or _rank_among(array, ranks)
        if holder is not None:
            refused[array.id] = f"{holder.id}, which was there first, has names of {stem}"
            continue
        held[stem] = array
        start, rank = _as_rank(stem)
        if rank is not None:
            ranks.setdefault(start, {})[rank] = array
    return refused


def with_stems(arrays: Iterable[Array], owned: Mapping[str, Ownership]) -> dict[ArrayId, Array]:
    """Return arrays by id; one adopted from its tags has the stem under which it has names.

    What it asked for was lost with its record; whose names are whose stands in the zone.
    """
    stems = {each.array_id: stem for stem, each in owned.items()}
    return {each.id: _with_stem(each, stems.get(each.id, "")) for each in arrays}


def _with_stem(array: Array, stem: str) -> Array:
    is_adopted = not array.request_id
    if not is_adopted or not stem or stem == stem_of(array):
        return array
    return msgspec.structs.replace(array, spec=msgspec.structs.replace(array.spec, dns=stem))


def _holder_of_rank(stem: str, held: dict[str, Array]) -> Array | None:
    start, rank = _as_rank(stem)
    array = held.get(start)
    is_taken = array is not None and rank is not None and 1 < array.size > rank
    return array if is_taken else None


def _rank_among(array: Array, ranks: dict[str, dict[int, Array]]) -> Array | None:
    taken = ranks.get(stem_of(array), {}) if array.size > 1 else {}
    return next((taken[rank] for rank in sorted(taken) if rank < array.size), None)


def _as_rank(stem: str) -> tuple[str, int | None]:
    """Take `training-3` apart, as the name of rank 3 of `training`."""
    start, _, number = stem.rpartition("-")
    is_rank = start and number.isdecimal() and str(int(number)) == number
    return (start, int(number)) if is_rank else (stem, None)
