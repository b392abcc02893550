"""The broker's world in memory."""

from datetime import timedelta

from services.iam_broker.ports import Stores, World
from spawn.bus.clients import Connected
from spawn.contracts import grants, members
from spawn.contracts.grants import Grant
from spawn.contracts.members import Member
from tests.fakes.aws import FakeAws
from tests.fakes.bus import FakeBus, FakeStore
from tests.fakes.clock import VirtualClock

DEPLOYMENT = "ada-1"


class FakeOnce:
    """Names that are claimed for ever."""

    def __init__(self) -> None:
        self.claimed: set[str] = set()

    async def claim(self, name: str, *, lasting: timedelta) -> bool:
        assert lasting > timedelta(0)
        is_free = name not in self.claimed
        self.claimed.add(name)
        return is_free


class FakeClients:
    """Connections, until they are closed."""

    def __init__(self, *users: str) -> None:
        self.users = list(users)

    async def connected(self) -> tuple[Connected, ...]:
        return tuple(
            Connected(user=user, server_id="N", client_id=number)
            for number, user in enumerate(self.users)
        )

    async def close(self, connected: Connected) -> None:
        self.users.remove(connected.user)


class Broker:
    """One replica's world; several may share bus and AWS."""

    def __init__(
        self,
        *,
        bus: FakeBus | None = None,
        aws: FakeAws | None = None,
        clock: VirtualClock | None = None,
        clients: FakeClients | None = None,
    ) -> None:
        self.bus = bus or FakeBus()
        self.clock = clock or VirtualClock()
        self.aws = aws or FakeAws(self.clock)
        self.world = World(
            deployment=DEPLOYMENT,
            clock=self.clock,
            stores=Stores(
                grants=FakeStore(self.bus, grants.BUCKET, Grant),
                members=FakeStore(self.bus, members.BUCKET, Member),
            ),
            aws=self.aws,
            once=FakeOnce(),
            answering=None,
            clients=clients,
        )
