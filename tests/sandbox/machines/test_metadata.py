"""The metadata service, asked as SDKs and people do."""

import json
from collections.abc import Generator
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any

import botocore.session  # pyright: ignore[reportMissingTypeStubs]  types come with aioboto3's stubs only
import pytest
from botocore.utils import InstanceMetadataFetcher  # pyright: ignore[reportMissingTypeStubs]  as above
from ec2_metadata import EC2Metadata

from tests.fixtures.sandbox import RunningSandbox
from tests.sandbox.launches import image
from tests.sandbox.machines.machines import Machine, Machines

pytestmark = pytest.mark.e2e

TOKEN = "X-aws-ec2-metadata-token"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
USER_DATA = "#!/bin/bash\necho $AWS_EC2_METADATA_SERVICE_ENDPOINT > $SPAWN_ROOT/endpoint\n"
Answer = tuple[int, str]


class Service:
    """The metadata service of one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.endpoint = machine.wrote("endpoint").strip()

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> Answer:
        connection = HTTPConnection(self.endpoint.removeprefix("http://"), timeout=30)
        try:
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def token(self, seconds: str = "60") -> str:
        status, text = self.ask("PUT", "/latest/api/token", {TTL: seconds})
        assert status == 200
        return text

    def read(self, path: str) -> Answer:
        return self.ask("GET", f"/latest/{path}", {TOKEN: self.token()})


@pytest.fixture(scope="module")
def pair(real: RunningSandbox, profile: str) -> Generator[list[Service]]:
    machines = Machines(real, image(real))
    machines.ec2.create_key_pair(KeyName="mine")
    tags = [{"Key": "spawn:ranks", "Value": "0-1"}, {"Key": "Name", "Value": "two words"}]
    made = machines.launch(
        USER_DATA,
        2,
        IamInstanceProfile={"Name": profile},
        KeyName="mine",
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        MetadataOptions={
            "HttpTokens": "required",
            "InstanceMetadataTags": "enabled",
            "HttpPutResponseHopLimit": 2,
        },
    )
    yield [Service(machine) for machine in made]
    machines.end()


@pytest.fixture
def service(pair: list[Service]) -> Service:
    return pair[1]


def test_without_a_token_nothing_is_told(service: Service) -> None:
    assert service.ask("GET", "/latest/meta-data/instance-id")[0] == 401
    assert service.ask("GET", "/latest/meta-data/instance-id", {TOKEN: "made-up"})[0] == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 400, id="no time to live"),
        pytest.param({TTL: "0"}, 400, id="too short"),
        pytest.param({TTL: "21601"}, 400, id="too long"),
        pytest.param({TTL: "x"}, 400, id="no number"),
        pytest.param({TTL: "60", "X-Forwarded-For": "1.2.3.4"}, 403, id="through a proxy"),
        pytest.param({TTL: "1"}, 200, id="the shortest"),
        pytest.param({TTL: "21600"}, 200, id="the longest"),
    ],
)
def test_a_token_is_asked_for_properly(
    service: Service, headers: dict[str, str], status: int
) -> None:
    assert service.ask("PUT", "/latest/api/token", headers)[0] == status


def test_a_token_is_good_for_one_machine_only(pair: list[Service]) -> None:
    mine = {TOKEN: pair[0].token()}
    assert pair[0].ask("GET", "/latest/meta-data/instance-id", mine)[0] == 200
    assert pair[1].ask("GET", "/latest/meta-data/instance-id", mine)[0] == 401


def test_what_is_not_there_is_not_found(service: Service) -> None:
    for path in (
        "meta-data/spot/instance-action",
        "meta-data/events/recommendations/rebalance",
        "meta-data/nothing",
        "meta-data/instance-id/",
        "meta-data/iam/security-credentials/other",
        "nothing",
    ):
        assert service.read(path)[0] == 404, path
    assert service.ask("POST", "/latest/meta-data/ami-id", {TOKEN: service.token()})[0] == 405


def test_folders_are_listed(service: Service) -> None:
    status, text = service.read("meta-data/")
    assert status == 200
    assert {"ami-id", "ami-launch-index", "iam/", "placement/", "tags/"} <= set(text.split("\n"))
    assert service.read("meta-data/tags/instance")[1] == "spawn:ranks\nName"
    assert service.read("meta-data/tags/instance/Name") == (200, "two words")
    assert service.read("meta-data/public-keys/") == (200, "0=mine")
    assert service.read("user-data") == (200, USER_DATA)


def test_tags_are_those_of_now(service: Service, real: RunningSandbox) -> None:
    ec2: Any = real.client("ec2")
    ec2.create_tags(Resources=[service.machine.id], Tags=[{"Key": "late", "Value": "x"}])
    assert service.read("meta-data/tags/instance/late") == (200, "x")
    ec2.delete_tags(Resources=[service.machine.id], Tags=[{"Key": "late"}])
    assert service.read("meta-data/tags/instance/late")[0] == 404


def test_a_spot_machine_is_warned(real: RunningSandbox) -> None:
    machines = Machines(real, image(real))
    try:
        spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
        (machine,) = machines.launch(USER_DATA, 1, **spot)
        service, named = Service(machine), {"instance_ids": [machine.id]}
        assert service.read("meta-data/instance-life-cycle") == (200, "spot")
        real.admin.post("rebalance", named)
        real.admin.post("interrupt", {**named, "lead": 600})
        said = json.loads(service.read("meta-data/spot/instance-action")[1])
        noticed = json.loads(service.read("meta-data/events/recommendations/rebalance")[1])
        assert said["action"] == "terminate"
        assert said["time"] > noticed["noticeTime"]
        assert "spot/" in service.read("meta-data/")[1].split("\n")
    finally:
        machines.end()


def test_boto3_finds_credentials(service: Service, real: RunningSandbox) -> None:
    fetcher: Any = InstanceMetadataFetcher(
        timeout=30,
        base_url=f"{service.endpoint}/",
        config={"ec2_metadata_service_endpoint": f"{service.endpoint}/"},
    )
    found = fetcher.retrieve_iam_role_credentials()
    assert found["role_name"] == "workers"
    expires = datetime.strptime(found["expiry_time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert 5 < (expires - datetime.now(UTC)).total_seconds() / 3600 <= 6  # noqa: TID251  a date out of the service
    sts: Any = botocore.session.get_session().create_client(
        "sts",
        endpoint_url=real.endpoint,
        region_name=real.region,
        aws_access_key_id=found["access_key"],
        aws_secret_access_key=found["secret_key"],
        aws_session_token=found["token"],
    )
    assert sts.get_caller_identity()["Arn"] == (
        f"arn:aws:sts::123456789012:assumed-role/workers/{service.machine.id}"
    )


def test_a_program_in_the_machine_signs_as_its_role(service: Service) -> None:
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    python = f"{botocore.__file__.partition('/lib/python')[0]}/bin/python"
    assert service.machine.run(python, "-c", script).endswith(f"/workers/{service.machine.id}")


def test_the_ec2_metadata_package_is_served(service: Service) -> None:
    found = EC2Metadata()
    found.service_url = f"{service.endpoint}/latest/"
    found.dynamic_url = f"{found.service_url}dynamic/"
    found.metadata_url = f"{found.service_url}meta-data/"
    found.userdata_url = f"{found.service_url}user-data/"
    described = service.machine.describe()
    assert found.instance_id == service.machine.id
    assert found.private_ipv4 == service.machine.ip
    assert found.ami_id == described["ImageId"]
    assert found.ami_launch_index == 1
    assert found.account_id == "123456789012"
    assert found.region == "us-east-1"
    assert found.availability_zone == described["Placement"]["AvailabilityZone"]
    assert found.availability_zone_id
    assert found.instance_profile_name == "workers"
    assert (found.iam_security_credentials or {}).get("Type") == "AWS-HMAC"
    assert found.instance_type == "t3.micro"
    assert found.instance_life_cycle == "on-demand"
    assert found.kernel_id is None
    assert found.private_hostname == described["PrivateDnsName"]
    assert found.public_ipv4 == described.get("PublicIpAddress")
    assert list(found.public_keys) == ["mine"]
    assert found.security_groups == ["default"]
    assert found.spot_instance_action is None
    assert dict(found.tags)["Name"] == "two words"
    assert found.user_data == USER_DATA.encode()
    (interface,) = found.network_interfaces.values()
    assert interface.private_ipv4s == [service.machine.ip]
    assert interface.subnet_id == described["SubnetId"]
    assert interface.vpc_id == described["VpcId"]
    assert found.partition == "aws"
    assert found.reservation_id


def test_the_identity_document_is_ec2s(service: Service) -> None:
    document = json.loads(service.read("dynamic/instance-identity/document")[1])
    assert document["instanceId"] == service.machine.id
    assert document["privateIp"] == service.machine.ip
    assert document["version"] == "2017-09-30"


def test_options_are_those_of_the_launch(service: Service, machines: Machines) -> None:
    options = service.machine.describe()["MetadataOptions"]
    assert options["HttpTokens"] == "required"
    assert options["HttpPutResponseHopLimit"] == 2
    (plain,) = machines.launch(USER_DATA, MetadataOptions={"HttpTokens": "optional"})
    assert Service(plain).ask("GET", "/latest/meta-data/instance-id") == (200, plain.id)
    assert Service(plain).read("meta-data/iam/info")[0] == 404
    assert Service(plain).read("meta-data/tags/instance")[0] == 404
    (off,) = machines.launch(USER_DATA, MetadataOptions={"HttpEndpoint": "disabled"})
    assert Service(off).ask("PUT", "/latest/api/token", {TTL: "60"})[0] == 403
