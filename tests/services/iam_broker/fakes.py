"""The broker's world in memory."""

from datetime import timedelta

from services.iam_broker.config import Settings
from services.iam_broker.model import ArrayUse, Wanted
from services.iam_broker.plan.boundary import boundary_arn
from services.iam_broker.plan.content import Content, read_content
from services.iam_broker.plan.grants import plan_grant
from services.iam_broker.ports import Stores, World
from spawn.bus.clients import Connected
from spawn.contracts import arrays, grants, members
from spawn.contracts.grants import Grant, Permissions
from spawn.contracts.members import Member
from spawn.permissions.realm import Realm
from tests.fakes.aws import ACCOUNT, FakeAws
from tests.fakes.bus import FakeBus, FakeEvents, FakeFences, FakeStore
from tests.fakes.clock import VirtualClock
from tests.fakes.ec2 import REGION

DEPLOYMENT = "ada-1"
REALM = Realm(region=REGION, account=ACCOUNT)
BOUNDARY = boundary_arn("aws", ACCOUNT)


def wanted(*policies: str, deployment: str = DEPLOYMENT, content: Content | None = None) -> Wanted:
    """Return what is to be in IAM for items of the language."""
    chosen = content or read_content(Permissions(policies=policies), REALM)
    return plan_grant(chosen, boundary=BOUNDARY, deployment=deployment)


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
        settings: Settings | None = None,
        replica: str = "a",
    ) -> None:
        self.bus = bus or FakeBus()
        self.clock = clock or VirtualClock()
        self.aws = aws or FakeAws(self.clock)
        self.world = World(
            settings=settings or Settings(),
            deployment=DEPLOYMENT,
            region=REGION,
            clock=self.clock,
            events=FakeEvents(self.bus),
            fences=FakeFences(self.bus, holder=replica),
            stores=Stores(
                grants=FakeStore(self.bus, grants.BUCKET, Grant),
                arrays=FakeStore(self.bus, arrays.BUCKET, ArrayUse),
                members=FakeStore(self.bus, members.BUCKET, Member),
            ),
            aws=self.aws,
            once=FakeOnce(),
            answering=None,
            clients=clients,
        )
