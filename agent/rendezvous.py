"""From the peers' answer to the files that jobs wait for and read."""

from __future__ import annotations

import asyncio

from agent import listing, places, sshkeys
from agent.accounts import Account
from agent.orders import Assignment, Peers
from agent.resolver import usable
from agent.variables import Member, array_variables


class Rendezvous:
    """Writes the files of complete peers, again when they have changed; tells when it has."""

    def __init__(self, where: places.Places) -> None:
        self._places = where
        self._heard: Peers | None = None
        self._written: Peers | None = None
        self.complete = asyncio.Event()

    @property
    def peers(self) -> Peers | None:
        """The peers that the files tell of now."""
        return self._written

    def is_stale(self, assignment: Assignment) -> bool:
        """Say whether the launcher knows more than the files do."""
        written = self._written
        return written is None or written.revision != assignment.peers_revision

    async def write(self, assignment: Assignment, peers: Peers, account: Account) -> None:
        """Write what complete peers are written to; the peers file last, for it is the barrier."""
        if not peers.complete or peers == self._heard:
            return
        heard, peers = peers, await usable(peers)
        await asyncio.to_thread(self._write, assignment, peers, account)
        self._heard, self._written = heard, peers
        self.complete.set()

    def _write(self, assignment: Assignment, peers: Peers, account: Account) -> None:
        where = self._places
        variables = array_variables(Member(assignment, peers.peers, where))
        if assignment.job.peer_ssh:
            sshkeys.write_peers(assignment.name, peers.peers, account)
        texts = {
            where.profile: listing.profile(variables),
            where.hostfile: listing.hostfile(peers.peers),
            where.peers_file: listing.peers_json(peers.peers),
        }
        for path, text in texts.items():
            places.write(path, text.encode(), places.PUBLIC)
