"""Names of a whole sandbox: asked for at its port, changed through its Route 53."""

import asyncio
import inspect
from typing import Any
from uuid import uuid4

import dns.message
import dns.query
import dns.rcode
import pytest
from botocore.exceptions import ClientError
from moto.route53.models import FakeZone, Route53Backend
from moto.route53.responses import Route53

from tests.fixtures.sandbox import RunningSandbox

WITHIN = 20


@pytest.fixture
def stem() -> str:
    """A name of the test's own."""
    return f"x{uuid4().hex[:8]}"


@pytest.fixture(scope="session")
def route53(quick: RunningSandbox) -> Any:
    """Route 53 of the quick sandbox."""
    return quick.client("route53")


def change(cloud: RunningSandbox, *wishes: tuple[str, str, tuple[str, ...]]) -> str:
    """Change A records of the sandbox's zone; return the change's id."""
    changes = [
        {
            "Action": action,
            "ResourceRecordSet": {
                "Name": name,
                "Type": "A",
                "TTL": 30,
                "ResourceRecords": [{"Value": value} for value in values],
            },
        }
        for action, name, values in wishes
    ]
    answer = cloud.client("route53").change_resource_record_sets(
        HostedZoneId=cloud.dns_zone_id, ChangeBatch={"Changes": changes}
    )
    return answer["ChangeInfo"]["Id"]


def resolve(cloud: RunningSandbox, name: str, *, over_tcp: bool = False) -> dns.message.Message:
    query = dns.message.make_query(name, "A", use_edns=False)
    ask = dns.query.tcp if over_tcp else dns.query.udp
    return ask(query, "127.0.0.1", port=cloud.dns_port, timeout=WITHIN)


def addresses(response: dns.message.Message) -> set[str]:
    found: list[Any] = response.answer
    return {value.to_text() for rrset in found for value in rrset}


def test_a_change_is_answered_at_once_on_either_transport(
    cloud: RunningSandbox, stem: str
) -> None:
    name = f"{stem}.{cloud.dns_base}"
    change(cloud, ("CREATE", name, ("127.20.0.1", "127.20.0.2")))
    for over_tcp in (False, True):
        assert addresses(resolve(cloud, name, over_tcp=over_tcp)) == {"127.20.0.1", "127.20.0.2"}
    change(cloud, ("DELETE", name, ("127.20.0.1", "127.20.0.2")))
    assert resolve(cloud, name).rcode() == dns.rcode.NXDOMAIN


def test_an_answer_too_large_for_a_datagram_comes_whole_over_tcp(
    cloud: RunningSandbox, stem: str
) -> None:
    name = f"{stem}.{cloud.dns_base}"
    many = {f"127.20.1.{number}" for number in range(1, 201)}
    change(cloud, ("CREATE", name, tuple(many)))
    query = dns.message.make_query(name, "A", use_edns=False)
    answer, over_tcp = dns.query.udp_with_fallback(
        query, "127.0.0.1", port=cloud.dns_port, timeout=WITHIN
    )
    assert over_tcp
    assert addresses(answer) == many


async def test_a_connection_answers_one_question_after_the_other(cloud: RunningSandbox) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", cloud.dns_port)
    for _ in range(3):
        wire = dns.message.make_query(cloud.dns_base, "SOA").to_wire()
        writer.write(len(wire).to_bytes(2) + wire)
        length = int.from_bytes(await reader.readexactly(2))
        answer = dns.message.from_wire(await reader.readexactly(length))
        assert answer.rcode() == dns.rcode.NOERROR
    writer.close()
    await writer.wait_closed()


def test_a_refused_batch_changes_nothing(cloud: RunningSandbox, stem: str) -> None:
    first, second = f"{stem}-0.{cloud.dns_base}", f"{stem}-1.{cloud.dns_base}"
    change(cloud, ("CREATE", second, ("127.20.0.2",)))
    with pytest.raises(ClientError, match=r"InvalidChangeBatch.*already exists"):
        change(cloud, ("CREATE", first, ("127.20.0.1",)), ("CREATE", second, ("127.20.0.3",)))
    assert resolve(cloud, first).rcode() == dns.rcode.NXDOMAIN
    assert addresses(resolve(cloud, second)) == {"127.20.0.2"}


def test_a_change_is_in_sync_after_its_time(
    cloud: RunningSandbox, route53: Any, stem: str
) -> None:
    name = f"{stem}.{cloud.dns_base}"
    cloud.admin.post("lifecycle", {"names_in_sync": 3600})
    slow = change(cloud, ("CREATE", name, ("127.20.0.1",)))
    assert route53.get_change(Id=slow)["ChangeInfo"]["Status"] == "PENDING"
    cloud.admin.post("lifecycle", {"names_in_sync": 0})
    quick = change(cloud, ("DELETE", name, ("127.20.0.1",)))
    assert route53.get_change(Id=quick)["ChangeInfo"]["Status"] == "INSYNC"
    with pytest.raises(ClientError, match="NoSuchChange"):
        route53.get_change(Id="C0000")


def test_all_calls_draw_on_one_bucket(cloud: RunningSandbox, route53: Any) -> None:
    rule = {"service": "route53", "api": "*", "requests": {"burst": 2, "per_second": 0}}
    cloud.admin.post("throttle", {"enabled": True, "rules": [rule]})
    route53.get_hosted_zone(Id=cloud.dns_zone_id)
    route53.list_hosted_zones()
    with pytest.raises(ClientError, match="Throttling"):
        route53.get_hosted_zone(Id=cloud.dns_zone_id)


def test_a_zone_that_is_deleted_is_no_longer_answered_for(
    cloud: RunningSandbox, route53: Any, stem: str
) -> None:
    made = route53.create_hosted_zone(Name=f"{stem}.example", CallerReference=stem)
    assert resolve(cloud, f"a.{stem}.example").rcode() == dns.rcode.NXDOMAIN
    route53.delete_hosted_zone(Id=made["HostedZone"]["Id"])
    assert resolve(cloud, f"a.{stem}.example").rcode() == dns.rcode.REFUSED


def test_moto_still_has_what_the_wrappers_take_the_place_of() -> None:
    changed = inspect.signature(Route53Backend.change_resource_record_sets)
    assert list(changed.parameters) == ["self", "zoneid", "change_list"]
    deleted = inspect.signature(Route53Backend.delete_hosted_zone)
    assert list(deleted.parameters) == ["self", "id_"]
    assert hasattr(Route53, "change_resource_record_sets")
    assert hasattr(Route53, "get_change")
    zone: Any = FakeZone("t.", "Z1", private_zone=False, caller_reference="r")
    assert (zone.rrsets, zone.resource_id, zone.name) == ([], "Z1", "t.")
