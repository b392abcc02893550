import msgspec

from sandbox.behaviour import Fault
from sandbox.faults import Faults
from sandbox.request import Call, Region, parse

SIGNED = "AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/ec2/aws4_request"
RUN = parse(
    method="POST",
    target="/?Action=RunInstances",
    headers=(("Authorization", SIGNED),),
    body=b"",
    request_id="r",
)


def strikes(faults: Faults, *calls: Call) -> list[str | None]:
    struck = [faults.strike(call) for call in calls]
    return [None if fault is None else fault.code for fault in struck]


def test_a_fault_hits_so_many_calls_and_is_used_up() -> None:
    faults = Faults()
    faults.add(Fault(api="RunInstances", code="Boom", count=2))
    assert strikes(faults, RUN, RUN, RUN) == ["Boom", "Boom", None]
    assert faults.waiting() == ()


def test_faults_happen_in_the_order_in_which_they_were_set() -> None:
    faults = Faults()
    faults.add(Fault(api="RunInstances", code="First"))
    faults.add(Fault(api="*", service="*", code="Second"))
    assert strikes(faults, RUN, RUN, RUN) == ["First", "Second", None]


def test_a_fault_hits_only_what_it_names() -> None:
    faults = Faults()
    faults.add(Fault(api="RunInstances", code="Boom", region=Region("eu-west-1")))
    describe = msgspec.structs.replace(RUN, action="DescribeInstances")
    elsewhere = msgspec.structs.replace(RUN, service="iam")
    there = msgspec.structs.replace(RUN, region=Region("eu-west-1"))
    assert strikes(faults, RUN, describe, elsewhere, there) == [None, None, None, "Boom"]
