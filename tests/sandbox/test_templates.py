import base64
from typing import Any

from tests.sandbox.launches import until


def test_a_launch_template_stands_under_the_call(ec2: Any, ami: str) -> None:
    data = {
        "ImageId": ami,
        "InstanceType": "m5.large",
        "UserData": base64.b64encode(b"hello").decode(),
        "InstanceMarketOptions": {"MarketType": "spot"},
        "TagSpecifications": [
            {"ResourceType": "instance", "Tags": [{"Key": "from", "Value": "template"}]}
        ],
    }
    ec2.create_launch_template(LaunchTemplateName="base", LaunchTemplateData=data)
    named = {"LaunchTemplateName": "base"}
    made = ec2.run_instances(MinCount=1, MaxCount=1, LaunchTemplate=named, InstanceType="t3.nano")
    (one,) = made["Instances"]
    assert (one["InstanceType"], one["InstanceLifecycle"]) == ("t3.nano", "spot")
    assert one["Tags"] == [{"Key": "from", "Value": "template"}]


def test_a_fleets_instances_live_as_others_do(ec2: Any, ami: str) -> None:
    ec2.create_launch_template(
        LaunchTemplateName="fleet", LaunchTemplateData={"ImageId": ami, "InstanceType": "t3.nano"}
    )
    fleet = ec2.create_fleet(
        Type="instant",
        LaunchTemplateConfigs=[
            {"LaunchTemplateSpecification": {"LaunchTemplateName": "fleet", "Version": "$Latest"}}
        ],
        TargetCapacitySpecification={
            "TotalTargetCapacity": 2,
            "DefaultTargetCapacityType": "on-demand",
        },
    )
    made = [one for group in fleet["Instances"] for one in group["InstanceIds"]]
    assert len(made) == 2
    until(ec2, "running", made)
    ec2.terminate_instances(InstanceIds=made)
    until(ec2, "terminated", made)
