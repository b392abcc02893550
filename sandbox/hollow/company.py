"""All hollow machines of a sandbox, as their instances come and go."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

from sandbox.hollow.agent import Agent, Stage, read_tell
from sandbox.machines.listing import Listed
from spawn.bus.message import Message
from spawn.bus.wire import Subscription
from spawn.contracts.notices import NoticeKind, Told
from spawn.telemetry.log import get_logger

_TELLS = "spawn.tell.{}.*"

_log = get_logger(__name__)


class Company:
    """Agents by instance."""

    def __init__(self, stage: Stage, group: asyncio.TaskGroup) -> None:
        self._stage = stage
        self._group = group
        self._heard: dict[str, Subscription] = {}
        self._complete: defaultdict[str, list[Agent]] = defaultdict(list)
        self._lives: dict[str, asyncio.Task[None]] = {}
        self.agents: dict[str, Agent] = {}

    async def follow(self, running: AsyncIterator[list[Listed]]) -> None:
        """Let agents come and go with their instances, for ever."""
        async for machines in running:
            wanted = {one.instance_id: one for one in machines if one.array_id}
            for instance_id in self.agents.keys() - wanted.keys():
                self._lives.pop(instance_id).cancel()
                del self.agents[instance_id]
            await self._hear_arrays({one.array_id for one in wanted.values()})
            for instance_id in wanted.keys() - self.agents.keys():
                self._begin(wanted[instance_id])

    async def _hear_arrays(self, living: set[str]) -> None:
        for array_id in self._heard.keys() - living:
            self._complete.pop(array_id, None)
            await self._heard.pop(array_id).close()
        for array_id in living - self._heard.keys():
            subject = _TELLS.format(array_id)
            self._heard[array_id] = await self._stage.bus.wire.subscribe(subject, self._hear)

    def _begin(self, machine: Listed) -> None:
        agent = Agent(machine, self._stage)
        self.agents[machine.instance_id] = agent
        life = self._group.create_task(self._see_through(agent), name=machine.instance_id)
        self._lives[machine.instance_id] = life

    async def _see_through(self, agent: Agent) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._note(agent))
            group.create_task(agent.live())

    async def _note(self, agent: Agent) -> None:
        """Tell when the last agent of an array has complete peers."""
        await agent.complete.wait()
        members = self._complete[agent.machine.array_id]
        members.append(agent)
        if len(members) != agent.size:
            return
        last_begun = max(one.begun_at for one in members)
        last_hello = max(one.greeted_at for one in members)
        last = max(one.completed_at for one in members)
        _log.info(
            "peers complete",
            array=agent.machine.array_id,
            members=len(members),
            seconds_after_last_start=round(last - last_begun, 3),
            seconds_after_last_hello=round(last - last_hello, 3),
        )

    async def _hear(self, message: Message) -> None:
        tell = read_tell(message.data)
        _, _, array_id, whom = message.subject.split(".")
        if tell is None:
            return
        for agent in self._meant(array_id, whom):
            if tell.what == "exec":
                self._group.create_task(agent.execute(tell))
            elif tell.notice is not None:
                # Of a peer that leaves there is nothing to play.
                if _is_own(tell.notice, agent):
                    agent.warn()
            else:
                agent.nudge()

    def _meant(self, array_id: str, whom: str) -> list[Agent]:
        if whom != "all":
            agent = self.agents.get(whom)
            return [] if agent is None else [agent]
        return [one for one in self.agents.values() if one.machine.array_id == array_id]


def _is_own(notice: Told, agent: Agent) -> bool:
    return (
        notice.instance_id == agent.machine.instance_id and notice.kind is NoticeKind.INTERRUPTION
    )
