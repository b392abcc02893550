"""A copy in memory of the records under a pattern, kept by one watch."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from types import MappingProxyType
from typing import Generic, TypeVar

from spawn.bus.beside import beside
from spawn.bus.ports import CaughtUp, Change, Deleted, Entry, Restarted, StorePort

T = TypeVar("T")

_MOST_GONE = 10_000


class Mirror(Generic[T]):
    """Records by key. `caught_up` is set while the copy is whole.

    `note` what you write yourself: the copy then has it before the watch does, and an older
    revision never replaces a newer one.
    """

    def __init__(self) -> None:
        self.caught_up = asyncio.Event()
        self._entries: dict[str, Entry[T]] = {}
        self._gone: dict[str, int] = {}
        self._listeners: set[_Listener] = set()

    def get(self, key: str) -> Entry[T] | None:
        """Return the record of `key`, if there is one."""
        return self._entries.get(key)

    def items(self) -> Mapping[str, Entry[T]]:
        """Return the records as a view that follows the copy."""
        return MappingProxyType(self._entries)

    def note(self, entry: Entry[T]) -> None:
        """Take a record unless the copy knows a newer state of its key."""
        if entry.revision <= self._newest(entry.key):
            return
        self._gone.pop(entry.key, None)
        self._entries[entry.key] = entry
        self._tell(entry.key)

    def note_deleted(self, key: str, revision: int = 0) -> None:
        """Take a deletion of that revision; 0 when it is only known to follow what is here."""
        known = self._newest(key)
        if 0 < revision <= known:
            return
        self._entries.pop(key, None)
        self._gone[key] = max(revision, known)
        if len(self._gone) > _MOST_GONE:
            self._gone.pop(next(iter(self._gone)))
        self._tell(key)

    def take(self, change: Change[T]) -> None:
        """Take what a watch yields."""
        match change:
            case Entry():
                self.note(change)
            case Deleted():
                self.note_deleted(change.key, change.revision)
            case CaughtUp():
                self.caught_up.set()
            case Restarted():
                self._forget()

    async def changes(self) -> AsyncGenerator[str]:
        """Yield the key of every change from now on; many changes of one key may come as one."""
        listener = _Listener()
        self._listeners.add(listener)
        try:
            while True:
                yield await listener.next()
        finally:
            self._listeners.discard(listener)

    def _newest(self, key: str) -> int:
        entry = self._entries.get(key)
        return self._gone.get(key, -1) if entry is None else entry.revision

    def _forget(self) -> None:
        # Revisions begin anew with the stream: none of those known counts any more.
        self.caught_up.clear()
        keys = tuple(self._entries)
        self._entries.clear()
        self._gone.clear()
        for key in keys:
            self._tell(key)

    def _tell(self, key: str) -> None:
        for listener in self._listeners:
            listener.tell(key)


class _Listener:
    def __init__(self) -> None:
        self._keys: dict[str, None] = {}
        self._wake = asyncio.Event()

    def tell(self, key: str) -> None:
        self._keys[key] = None
        self._wake.set()

    async def next(self) -> str:
        while not self._keys:
            self._wake.clear()
            await self._wake.wait()
        key = next(iter(self._keys))
        del self._keys[key]
        return key


@asynccontextmanager
async def mirrored(store: StorePort[T], pattern: str = ">") -> AsyncGenerator[Mirror[T]]:
    """Keep a mirror for the length of the block; wait for its `caught_up` before trusting it."""
    mirror = Mirror[T]()
    async with beside(_follow(store, pattern, mirror)):
        yield mirror


async def _follow(store: StorePort[T], pattern: str, mirror: Mirror[T]) -> None:
    async with aclosing(store.watch(pattern)) as changes:
        async for change in changes:
            mirror.take(change)
