"""What the doctor makes of what services say of themselves."""

from datetime import timedelta

import pytest

from spawn.contracts.grants import CollectedGrants, KeptGrant
from spawn.contracts.hostnames import Difference, RecordCheck
from spawn.contracts.ids import InstanceId
from spawn.contracts.launches import CollectReport, LaunchPlan
from spawn.contracts.launches import Finding as Unclaimed
from spawn.contracts.leases import Lease
from spawn.contracts.members import Facts, Member, MemberState
from spawn.errors import Cause, Rejected, Transient
from spawn.runtime.doctor import judge_services as judge
from spawn.runtime.doctor.findings import Finding
from tests.builders import NOON, POOL_A, POOL_B, a_member, lost, running

MINUTE = timedelta(minutes=1)
PLAN = LaunchPlan(
    name="doctor",
    size=1,
    min_count=1,
    region="us-east-1",
    image_id="ami-1",
    pools=(POOL_A, POOL_B),
    chunks=(),
    calls={},
    user_data_bytes=0,
    lease=Lease(until=NOON),
)
DENIED = Rejected("ec2:RunInstances: allow it", cause=Cause.PERMISSION)
CHECK = RecordCheck(base="spawn.test", backend="route53", agreeing=3)
LATE = Difference(name="a.spawn.test", type="A", array_id="a", why="it is late")


def unclaimed(*verdicts: str) -> CollectReport:
    found = tuple(
        Unclaimed(
            instance_id=InstanceId("i-1"), region="r", array_id="", verdict=each, reason="why"
        )
        for each in verdicts
    )
    return CollectReport(findings=found, acted=False)


@pytest.mark.parametrize(
    ("finding", "ok", "said"),
    [
        (judge.judge_replicas({"ttl": 2, "dns": 1}, ["ttl", "dns"]), True, "dns 1, ttl 2"),
        (judge.judge_replicas({"ttl": 1}, ["ttl", "dns"]), False, "nobody answers for dns"),
        (judge.judge_replicas({"ttl": 1}, ()), True, "ttl 1"),
        (judge.judge_replicas({}, ()), False, "any service"),
        (judge.judge_launcher(unclaimed(), PLAN), True, "2 pools in us-east-1"),
        (judge.judge_launcher(unclaimed("leave"), None), True, "all is accounted for"),
        (judge.judge_launcher(unclaimed("end", "adopt", "leave"), PLAN), False, "2 machines"),
        (
            judge.judge_broker(
                CollectedGrants(
                    removed=("a",), kept=(KeptGrant(role="b", reason=""),), acted=False
                )
            ),
            True,
            "2 roles",
        ),
        (judge.judge_names(CHECK), True, "3 records of spawn.test (route53) agree"),
        (
            judge.judge_names(
                RecordCheck(base="b", backend="route53", agreeing=1, differences=(LATE,), untold=1)
            ),
            True,
            "2 not yet",
        ),
        (judge.judge_no_names(Rejected("none", code="no-dns")), True, "no names"),
        (judge.judge_no_names(Transient("no answer")), False, "no answer"),
        (judge.judge_refusal("launcher", DENIED), False, "allow it"),
        (judge.judge_refusal("launcher", Transient("EC2 is away")), False, "EC2 is away"),
        (judge.judge_machines({"a": (), "b": ()}), True, "has said hello"),
        (judge.judge_machines({"b": (0,), "a": (1, 2, 3)}), False, "a:1-3, b:0"),
    ],
)
def test_findings(finding: Finding, ok: bool, said: str) -> None:
    assert finding.ok is ok
    assert said in finding.detail
    assert ok or finding.hint


def test_what_is_not_allowed_leads_to_the_whole_policy() -> None:
    assert "docs/iam/launcher.json" in judge.judge_refusal("launcher", DENIED).hint


@pytest.mark.parametrize(
    ("member", "silent"),
    [
        pytest.param(running(), True, id="it has run for long and said nothing: silent"),
        pytest.param(running(changed_at=NOON + 3 * MINUTE), False, id="it boots: not silent"),
        pytest.param(a_member(), False, id="it does not run yet: not silent"),
        pytest.param(lost(), False, id="it is gone: not silent"),
        pytest.param(running(facts=Facts()), False, id="it has said hello: not silent"),
        pytest.param(
            running(state=MemberState.READY, facts=Facts()), False, id="it is ready: not silent"
        ),
    ],
)
def test_machines_that_have_never_been_heard_of(member: Member, silent: bool) -> None:
    now = NOON + judge.BOOTS_WITHIN + MINUTE
    assert judge.silent_ranks([member], now=now) == ((0,) if silent else ())
