from datetime import UTC, datetime

from spawn.aws import answers
from spawn.contracts.ids import ClientToken, InstanceId
from spawn.contracts.instances import Described, Instance, InstanceState
from spawn.contracts.pools import Market

LAUNCHED = datetime(2026, 6, 1, 12, tzinfo=UTC)


def test_a_whole_instance() -> None:
    assert answers.described(
        {
            "InstanceId": "i-1",
            "State": {"Code": 16, "Name": "running"},
            "InstanceType": "t3.micro",
            "Placement": {"AvailabilityZone": "us-east-1a"},
            "InstanceLifecycle": "spot",
            "ImageId": "ami-1",
            "SubnetId": "subnet-1",
            "PrivateIpAddress": "10.0.0.1",
            "PublicIpAddress": "1.2.3.4",
            "LaunchTime": LAUNCHED,
            "StateReason": {"Code": "pending", "Message": "pending"},
            "AmiLaunchIndex": 7,
            "ClientToken": "token",
            "Tags": [{"Key": "a", "Value": "1"}],
        }
    ) == Described(
        instance=Instance(
            id=InstanceId("i-1"),
            state=InstanceState.RUNNING,
            instance_type="t3.micro",
            zone="us-east-1a",
            market=Market.SPOT,
            image_id="ami-1",
            subnet_id="subnet-1",
            private_ip="10.0.0.1",
            public_ip="1.2.3.4",
            launched_at=LAUNCHED,
            reason="pending",
        ),
        launch_index=7,
        client_token=ClientToken("token"),
        tags={"a": "1"},
    )


def test_what_ec2_leaves_out_is_empty() -> None:
    bare = answers.described({"InstanceId": "i-1", "State": {"Name": "terminated"}})
    assert bare.instance.market is Market.ON_DEMAND
    assert (bare.instance.private_ip, bare.instance.launched_at, bare.tags) == ("", None, {})


def test_the_transition_text_stands_in_for_a_missing_reason() -> None:
    one = answers.described(
        {"InstanceId": "i-1", "StateTransitionReason": "User initiated (2026-06-01)"}
    )
    assert one.instance.reason == "User initiated (2026-06-01)"


def test_an_image_knows_the_size_of_its_root_volume() -> None:
    image = answers.image(
        {
            "ImageId": "ami-1",
            "Architecture": "arm64",
            "RootDeviceName": "/dev/sda1",
            "BlockDeviceMappings": [
                {"DeviceName": "/dev/sdb", "VirtualName": "ephemeral0"},
                {"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 30}},
            ],
        }
    )
    assert (image.architecture, image.root_gib) == ("arm64", 30)


def test_a_type_counts_the_gpus_of_all_its_cards() -> None:
    kind = answers.instance_type(
        {
            "InstanceType": "g5.12xlarge",
            "SupportedUsageClasses": ["on-demand", "spot"],
            "GpuInfo": {"Gpus": [{"Count": 2}, {"Count": 2}]},
        }
    )
    assert (kind.gpus, kind.spot, kind.hibernation) == (4, True, False)


def test_the_ids_that_an_error_names() -> None:
    text = "The instance IDs 'i-0123456789abcdef0, i-0a' do not exist"
    assert answers.named_instances(text) == {"i-0123456789abcdef0", "i-0a"}
