"""Two answers that moto computes anew for every request, kept instead.

Listing its own modules costs 183 `isdir` calls, listing a class's methods a walk through all
its members; together they are half of a small request.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from moto import backends
from moto.core import responses, utils


def install() -> Callable[[], None]:
    """Keep the answers; call the result to go back."""
    list_modules: Any = backends.list_of_moto_modules
    list_methods: Any = utils.method_names_from_class
    modules = tuple(list_modules())
    methods = lru_cache(maxsize=None)(_methods(list_methods))
    backends.list_of_moto_modules = lambda: modules
    responses.method_names_from_class = methods  # pyright: ignore[reportPrivateImportUsage]  where it is looked up

    def restore() -> None:
        backends.list_of_moto_modules = list_modules
        responses.method_names_from_class = list_methods  # pyright: ignore[reportPrivateImportUsage]  as above

    return restore


def _methods(original: Callable[[Any], list[str]]) -> Callable[[Any], frozenset[str]]:
    return lambda kind: frozenset(original(kind))
