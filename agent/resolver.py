"""Whether names of peers resolve here: a zone may not be one that this network asks."""

from __future__ import annotations

import asyncio
import dataclasses
import socket

from agent.console import say
from agent.orders import Peers

_WITHIN_SECONDS = 5


async def usable(peers: Peers) -> Peers:
    """Return peers with their names where these resolve here, else without any.

    One name stands for all, for they come together: a thousand machines that each look up a
    thousand names would be a flood.
    """
    first = next((each.dns for each in peers.peers if each.dns), "")
    if not first or await _resolves(first):
        return peers
    nameless = tuple(dataclasses.replace(each, dns="") for each in peers.peers)
    return dataclasses.replace(peers, peers=nameless)


async def _resolves(name: str) -> bool:
    loop = asyncio.get_running_loop()
    looking = loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    try:
        await asyncio.wait_for(looking, _WITHIN_SECONDS)
    except (OSError, UnicodeError, asyncio.TimeoutError) as error:
        say(f"peers are known by their addresses, for {name} does not resolve here: {error!r}")
        return False
    return True
