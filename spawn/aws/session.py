"""The door to AWS, opened once in a process."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import aiohttp

from spawn.aws import pricing
from spawn.aws.buckets import Rate, parse_buckets
from spawn.aws.calls import Calls
from spawn.aws.clients import FALLBACK_REGION, Clients
from spawn.aws.ec2 import Ec2
from spawn.aws.errors import translate
from spawn.aws.eventbridge import EventBridge
from spawn.aws.iam import Iam
from spawn.aws.pacing import Pacer
from spawn.aws.route53 import HostedZone
from spawn.aws.s3 import S3
from spawn.aws.sqs import Sqs
from spawn.aws.ssm import Ssm
from spawn.aws.sts import Sts

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from spawn.aws.settings import AwsSettings
    from spawn.clock import Clock


@asynccontextmanager
async def open_aws(settings: AwsSettings, clock: Clock) -> AsyncGenerator[Aws]:
    """Open the door; clients are made when they are first used and closed at the end.

    Raises `Rejected` for settings or an AWS configuration that cannot be used.
    """
    overrides = parse_buckets(settings.buckets)
    try:
        clients = await asyncio.to_thread(Clients, settings)
        is_local = await asyncio.to_thread(clients.is_local, "ec2")
    except Exception as error:
        raise translate(error) from error
    async with clients, aiohttp.ClientSession() as http:
        yield Aws(clients, clock, overrides, http=http, is_local=is_local)


class Aws:
    """The door to AWS: one account, any region."""

    def __init__(
        self,
        clients: Clients,
        clock: Clock,
        overrides: Mapping[str, Rate],
        *,
        http: aiohttp.ClientSession,
        is_local: bool,
    ) -> None:
        self.is_local = is_local
        self._http = http
        self._clients = clients
        self._clock = clock
        self._overrides = overrides
        self._counted: Counter[str] = Counter()
        self._ec2: dict[str, Ec2] = {}
        self._ssm: dict[str, Ssm] = {}
        self._s3: dict[str, S3] = {}
        self._sqs: dict[str, Sqs] = {}
        self._eventbridge: dict[str, EventBridge] = {}
        self._sts: Sts | None = None
        self._iam: Iam | None = None
        self._pricing: pricing.Pricing | None = None
        self._account = ""

    @property
    def region(self) -> str:
        """The region that the AWS configuration names, or empty."""
        return self._clients.region

    def ec2(self, region: str) -> Ec2:
        """Return EC2 in a region."""
        if region not in self._ec2:
            client = partial(self._clients.get, "ec2", region)
            self._ec2[region] = Ec2(client, self._new_calls())
        return self._ec2[region]

    def ssm(self, region: str) -> Ssm:
        """Return Systems Manager in a region."""
        if region not in self._ssm:
            client = partial(self._clients.get, "ssm", region)
            self._ssm[region] = Ssm(client, self._new_calls())
        return self._ssm[region]

    def s3(self, region: str) -> S3:
        """Return S3 in a region."""
        if region not in self._s3:
            client = partial(self._clients.get, "s3", region)
            self._s3[region] = S3(client, self._new_calls(), region=region)
        return self._s3[region]

    def sqs(self, region: str) -> Sqs:
        """Return Simple Queue Service in a region."""
        if region not in self._sqs:
            client = partial(self._clients.get, "sqs", region)
            self._sqs[region] = Sqs(client, self._new_calls())
        return self._sqs[region]

    def eventbridge(self, region: str) -> EventBridge:
        """Return EventBridge in a region."""
        if region not in self._eventbridge:
            client = partial(self._clients.get, "events", region)
            self._eventbridge[region] = EventBridge(client, self._new_calls())
        return self._eventbridge[region]

    def sts(self) -> Sts:
        """Return the Security Token Service."""
        if self._sts is None:
            region = self._clients.region or FALLBACK_REGION
            self._sts = Sts(
                partial(self._clients.get, "sts", region),
                self._new_calls(),
                http=self._http,
                endpoint=self._clients.endpoint("sts"),
            )
        return self._sts

    def pricing(self) -> pricing.Pricing:
        """Return the price list of all regions."""
        if self._pricing is None:
            client = partial(self._clients.get, "pricing", pricing.REGION)
            self._pricing = pricing.Pricing(client, self._new_calls())
        return self._pricing

    def iam(self) -> Iam:
        """Return Identity and Access Management, which is the same in every region."""
        if self._iam is None:
            region = self._clients.region or FALLBACK_REGION
            self._iam = Iam(partial(self._clients.get, "iam", region), self._new_calls())
        return self._iam

    def hosted_zone(self, zone_id: str, *, base: str) -> HostedZone:
        """Return a zone of Route 53, which is the same in every region."""
        region = self._clients.region or FALLBACK_REGION
        client = partial(self._clients.get, "route53", region)
        return HostedZone(client, self._new_calls(), zone_id=zone_id, base=base)

    async def account(self) -> str:
        """Return the id of the account, asked for once."""
        if not self._account:
            self._account = (await self.sts().caller()).account
        return self._account

    def calls(self) -> dict[str, int]:
        """Return how many calls this process has made, by API."""
        return dict(self._counted)

    def _new_calls(self) -> Calls:
        return Calls(Pacer(self._clock, self._overrides), self._clock, self._counted)
