"""AWS in memory: one account, whose regions are fakes; used wherever the door would be."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta

from spawn.aws.errors import outcome_of
from spawn.aws.shapes import Caller, Image, InstanceType, SecurityGroup, Subnet
from spawn.clock import Clock
from spawn.contracts.identities import NONCE_HEADER, SignedCall
from tests.fakes.ec2 import REGION, ZONES
from tests.fakes.iam import ACCOUNT, FakeIam
from tests.fakes.power import FakePower
from tests.fakes.prices import FakePricing
from tests.fakes.queues import FakeEventBridge, FakeSqs

TYPES = ("t3.micro", "t3.medium", "m7i.large")
IMAGE = Image(
    id="ami-0000000000000001",
    name="test",
    architecture="x86_64",
    state="available",
    root_device="/dev/xvda",
    root_gib=8,
)
IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


class FakeEc2(FakePower):
    """EC2 in one region."""

    def __init__(self, clock: Clock, region: str = REGION) -> None:
        super().__init__(clock, region)
        self.images = {IMAGE.id: IMAGE}
        self.types = {name: _type(name) for name in TYPES}
        self.key_pairs: set[str] = set()
        self.groups: dict[str, SecurityGroup] = {}
        self.group_tags: dict[str, dict[str, str]] = {}
        self.group_rules: dict[str, set[str]] = defaultdict(set)

    async def find_image(self, image_id: str) -> Image:
        self._enter("DescribeImages")
        if image_id not in self.images:
            raise outcome_of(
                "InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist"
            )
        return self.images[image_id]

    async def instance_types(self, names: Iterable[str]) -> dict[str, InstanceType]:
        self._enter("DescribeInstanceTypes")
        return {name: self.types[name] for name in names if name in self.types}

    async def offerings(self, types: Iterable[str]) -> dict[str, tuple[str, ...]]:
        self._enter("DescribeInstanceTypeOfferings")
        return {name: ZONES if name in self.types else () for name in types}

    async def available_zones(self) -> tuple[str, ...]:
        self._enter("DescribeAvailabilityZones")
        return ZONES

    async def key_pair_exists(self, name: str) -> bool:
        self._enter("DescribeKeyPairs")
        return name in self.key_pairs

    async def default_subnets(self) -> tuple[Subnet, ...]:
        self._enter("DescribeSubnets")
        return tuple(one for one in self.networks if one.default_for_zone)

    async def subnets(self, ids: Iterable[str]) -> tuple[Subnet, ...]:
        self._enter("DescribeSubnets")
        return await self._found_subnets(ids)

    async def security_groups(self, ids: Iterable[str]) -> tuple[SecurityGroup, ...]:
        self._enter("DescribeSecurityGroups")
        for one in (wanted := list(ids)):
            if one not in self.groups:
                raise outcome_of(
                    "InvalidGroup.NotFound", f"The security group '{one}' does not exist"
                )
        return tuple(self.groups[one] for one in wanted)

    async def ensure_security_group(
        self, name: str, vpc_id: str, tags: Mapping[str, str], ssh_cidr: str = ""
    ) -> str:
        self._enter("CreateSecurityGroup")
        existing = {(one.name, one.vpc_id): one.id for one in self.groups.values()}
        group_id = existing.get((name, vpc_id)) or f"sg-{len(self.groups) + 1}"
        self.groups[group_id] = SecurityGroup(id=group_id, name=name, vpc_id=vpc_id)
        self.group_tags[group_id] = dict(tags)
        self.group_rules[group_id] |= {"self", *([f"ssh {ssh_cidr}"] if ssh_cidr else [])}
        return group_id


class FakeSsm:
    """Systems Manager: the parameters that a test sets."""

    def __init__(self) -> None:
        self.parameters = {IMAGE_PARAMETER: IMAGE.id}

    async def parameter(self, name: str) -> str:
        if name not in self.parameters:
            raise outcome_of("ParameterNotFound", f"There is no parameter {name}")
        return self.parameters[name]


class FakeS3:
    """S3 in one region: what buckets hold, by key; `taken` are names that others have."""

    def __init__(self, region: str) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.taken: set[str] = set()
        self.counted: Counter[str] = Counter()
        self._region = region

    async def ensure_bucket(self, name: str) -> None:
        self.counted["HeadBucket"] += 1
        if name in self.taken:
            raise outcome_of("BucketAlreadyExists", "The requested bucket name is taken")
        if name not in self.buckets:
            self.counted["CreateBucket"] += 1
            self.buckets[name] = {}

    async def put_once(self, bucket: str, key: str, content: bytes) -> None:
        self.counted["HeadObject"] += 1
        if bucket not in self.buckets:
            raise outcome_of("NoSuchBucket", "The specified bucket does not exist", status=404)
        if key not in self.buckets[bucket]:
            self.counted["PutObject"] += 1
            self.buckets[bucket][key] = content

    async def presigned_get(self, bucket: str, key: str, *, expires: timedelta) -> str:
        signature = f"X-Amz-Expires={expires.total_seconds():.0f}&X-Amz-Signature=0"
        return f"https://{bucket}.s3.{self._region}.amazonaws.com/{key}?{signature}"


class FakeSts:
    """The Security Token Service: `signers` says whose the proof with a nonce is."""

    def __init__(self) -> None:
        self.endpoint = ""
        self.signers: dict[str, Caller] = {}
        self.asked = 0

    async def whoami(self, call: SignedCall) -> Caller:
        self.asked += 1
        found = self.signers.get(call.headers[NONCE_HEADER])
        if found is None:
            raise outcome_of("SignatureDoesNotMatch", "The signature does not match.")
        return found

    async def caller(self) -> Caller:
        return Caller(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:user/test")


class FakeAws:
    """The door to AWS: one account, a fake for each region."""

    def __init__(self, clock: Clock, *, is_local: bool = True) -> None:
        self.is_local = is_local
        self._clock = clock
        self._ec2: dict[str, FakeEc2] = {}
        self._ssm: dict[str, FakeSsm] = {}
        self._s3: dict[str, FakeS3] = {}
        self._sqs: dict[str, FakeSqs] = {}
        self._eventbridge: dict[str, FakeEventBridge] = {}
        self._iam = FakeIam(clock)
        self._sts = FakeSts()
        self._pricing = FakePricing()

    def pricing(self) -> FakePricing:
        return self._pricing

    def iam(self) -> FakeIam:
        return self._iam

    def ec2(self, region: str) -> FakeEc2:
        return self._ec2.setdefault(region, FakeEc2(self._clock, region))

    def ssm(self, region: str) -> FakeSsm:
        return self._ssm.setdefault(region, FakeSsm())

    def s3(self, region: str) -> FakeS3:
        return self._s3.setdefault(region, FakeS3(region))

    def sqs(self, region: str) -> FakeSqs:
        return self._sqs.setdefault(region, FakeSqs(self._clock, region))

    def eventbridge(self, region: str) -> FakeEventBridge:
        return self._eventbridge.setdefault(region, FakeEventBridge(self.sqs(region)))

    def sts(self) -> FakeSts:
        return self._sts

    async def account(self) -> str:
        return ACCOUNT

    def calls(self) -> dict[str, int]:
        regions = (*self._ec2.values(), *self._s3.values())
        return dict(sum((one.counted for one in regions), Counter[str]()))


def _type(name: str) -> InstanceType:
    return InstanceType(
        name=name,
        architectures=("x86_64",),
        vcpus=2,
        memory_mib=4096,
        gpus=0,
        spot=True,
        hibernation=True,
    )
