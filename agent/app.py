"""The agent's start, its parts side by side, and its end."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Callable

from agent import VERSION, facts
from agent.accounts import peers_account
from agent.checkpoints import Checkpoints
from agent.clock import Clock, write_instant
from agent.config import Config, ConfigError, environment, read_config
from agent.console import say
from agent.execs import Execs
from agent.fetching import Buckets
from agent.heartbeat import beat
from agent.identity import Audience, prove
from agent.job import JobLife
from agent.leaving import Leaving
from agent.link import Away, Door, Link
from agent.metadata import Metadata, MetadataError
from agent.orders import Assignment, Unreadable, read_tell
from agent.outbox import Outbox, Sender
from agent.parts import Parts
from agent.places import Places
from agent.rendezvous import Rendezvous
from agent.rounds import Rounds
from agent.script import Script
from agent.state import Machine, Orders, boot_id
from agent.tasks import Tasks
from agent.wall import warn


def main() -> None:
    """Run until SIGTERM; exit 1 when something fails, to be started again."""
    try:
        asyncio.run(run(read_config(environment())))
    except (ConfigError, MetadataError) as error:
        say(f"FAILED: {error}")
        sys.exit(1)


async def run(config: Config) -> None:
    """Be the agent of this machine until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metadata = Metadata(config.metadata)
    clock = Clock()
    machine = Machine(config, await metadata.instance(), boot_id(Places(config.root)), clock)
    tasks = Tasks()
    try:
        agent = Agent(machine, metadata)
        agent.start(tasks)
        say(f"{machine.instance.id} in {config.array_id}, version {VERSION}")
        await tasks.until(stop)
        await agent.part()
    finally:
        await tasks.close()


class Agent:
    """All parts of one machine's agent."""

    def __init__(self, machine: Machine, metadata: Metadata) -> None:
        self._machine = machine
        self._metadata = metadata
        where = machine.places
        sender = Sender(machine.subjects, machine.boot_id)
        self._orders = Orders(where.state / "assignment.json")
        self._rendezvous = Rendezvous(where)
        self._outbox = Outbox(where.outbox, sender, machine.clock)
        self._rounds = Rounds(machine, self._orders, self._rendezvous)
        self._execs = Execs(machine, self._orders, self._rendezvous, self._outbox)
        parts = Parts(machine, self._orders, self._rendezvous, self._outbox)
        self._job = JobLife(parts)
        region, clock = machine.instance.region, machine.clock
        self._script = Script(parts, Buckets(metadata, clock, region, machine.config.s3))
        self._leaving = Leaving(parts, Checkpoints(parts, self._script), self._job)

    def start(self, tasks: Tasks) -> None:
        """Start every part."""
        machine = self._machine
        door = Door(
            url=machine.config.bus_url,
            fingerprint=machine.config.bus_fingerprint,
            instance_id=machine.instance.id,
            subjects=machine.subjects.tells,
            credentials=self._prover,
        )

        async def receive(data: bytes) -> None:
            self._hear(data, tasks)

        link = Link(door, receive, machine.clock)
        tasks.start(link.run(self._rounds.nudge), "link")
        tasks.start(self._outbox.run(link), "outbox")
        tasks.start(self._rounds.run(link, self._hello), "rounds")
        tasks.start(beat(machine, self._orders, self._outbox, self._sessions), "heartbeat")
        tasks.start(self._script.run(), "script")
        tasks.start(self._leaving.run(self._metadata, tasks), "notices")
        tasks.start(self._job.run(link, tasks), "job")

    async def part(self) -> None:
        """Say what there is to say before the end of all parts."""
        await self._job.part()

    def _sessions(self) -> set[int]:
        job = self._job.folder.group()
        return self._execs.sessions | ({job} if job is not None else set())

    def _hear(self, data: bytes, tasks: Tasks) -> None:
        try:
            tell = read_tell(data)
        except Unreadable as error:
            say(str(error))
            return
        if tell.what == "exec":
            self._execs.begin(tell, tasks)
        elif tell.what == "warned":
            tasks.start(warn(self._orders.current, tell), "wall")
        elif tell.what == "checkpoint":
            self._leaving.request(tell.request_id, tasks)
        elif tell.told is not None:
            self._leaving.hear(tell.told, tasks)
        else:
            self._rounds.nudge()

    async def _prover(self) -> Callable[[str], str] | None:
        try:
            credentials = await self._metadata.credentials()
        except MetadataError as error:
            raise Away(str(error)) from error
        if credentials is None:
            return None
        config, region = self._machine.config, self._machine.instance.region
        audience = Audience(config.deployment, region, config.sts)
        clock = self._machine.clock
        return lambda nonce: prove(audience, credentials, nonce=nonce, now=clock.now())

    async def _hello(self, assignment: Assignment) -> None:
        root, job = self._machine.config.root, assignment.job
        account = await asyncio.to_thread(peers_account, root, job.login_user)
        gathered = await asyncio.to_thread(facts.gather, root, account, peer_ssh=job.peer_ssh)
        await self._outbox.put(
            "hello",
            {
                "generation": assignment.generation,
                "at": write_instant(self._machine.clock.now()),
                "boot_id": self._machine.boot_id,
                "agent_version": VERSION,
                "facts": gathered,
            },
        )
