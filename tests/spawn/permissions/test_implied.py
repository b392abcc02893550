import json

import pytest

from spawn.contracts.grants import Permissions
from spawn.contracts.launches import LaunchSpec, without_texts
from spawn.permissions.implied import with_implied
from spawn.permissions.policies import make_policy
from spawn.permissions.realm import Realm

SCRIPT, PLACE = "s3://scripts/save.sh", "s3://runs/team/"


def a_spec(region: str = "eu-central-1", **more: object) -> LaunchSpec:
    return LaunchSpec(name="training", region=region, **more)  # type: ignore[arg-type]


def statements_of(spec: LaunchSpec) -> list[dict[str, object]]:
    realm = Realm(partition="aws", region=spec.region, account="0" * 12)
    return json.loads(make_policy(with_implied(spec), realm).document)["Statement"]


def test_without_checkpoints_nothing_is_added() -> None:
    asked = Permissions(policies=("s3:ReadOnly:mine",))
    assert with_implied(a_spec(permissions=asked)) == asked


def test_a_script_is_one_object_to_get() -> None:
    assert statements_of(a_spec(checkpoint_script=SCRIPT)) == [
        {
            "Action": "s3:GetObject",
            "Effect": "Allow",
            "Resource": "arn:aws:s3:::scripts/save.sh",
        }
    ]


@pytest.mark.parametrize("script", ["https://example.org/save.sh", "#!/bin/sh\necho saved\n"])
def test_other_scripts_need_nothing(script: str) -> None:
    assert with_implied(a_spec(checkpoint_script=script)).is_empty


def test_a_place_is_read_and_written_below_its_prefix_alone() -> None:
    found = statements_of(a_spec(checkpoint_uri=PLACE))
    objects = [each for each in found if "s3:PutObject" in each["Action"]]  # type: ignore[operator]
    assert [each["Resource"] for each in objects] == ["arn:aws:s3:::runs/team/*"]
    listing = [each for each in found if "s3:ListBucket" in str(each["Action"])]
    assert "team/*" in json.dumps(listing[0]["Condition"])


def test_other_partitions_have_other_names() -> None:
    (text,) = with_implied(a_spec("cn-north-1", checkpoint_script=SCRIPT)).documents
    assert "arn:aws-cn:s3:::scripts/save.sh" in text


def test_a_role_that_exists_has_what_it_has() -> None:
    asked = Permissions(role="science")
    assert with_implied(a_spec(permissions=asked, checkpoint_uri=PLACE)) == asked


def test_the_record_of_a_launch_implies_the_same() -> None:
    spec = a_spec(checkpoint_script=SCRIPT, checkpoint_uri=PLACE)
    assert with_implied(without_texts(spec)) == with_implied(spec)
