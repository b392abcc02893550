"""What the agent's parts tell each other by: one of each on a machine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from agent.outbox import Outbox
from agent.rendezvous import Rendezvous
from agent.state import Machine, Orders
from agent.tasks import Hold


@dataclass(frozen=True)
class Parts:
    """Who is told what; `may_begin` is set once nothing but orders keeps the job from beginning.

    While `hold` is taken, the job's end is not yet told, and the machine stays.
    """

    machine: Machine
    orders: Orders
    rendezvous: Rendezvous
    outbox: Outbox
    hold: Hold = field(default_factory=Hold)
    may_begin: asyncio.Event = field(default_factory=asyncio.Event)
