"""Change batches, as Route 53 does or refuses them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import FakeZone

from sandbox.route53.batches import change

Wish = dict[str, Any]


def zone() -> Any:
    made: Any = FakeZone("t.", "Z1", private_zone=False, caller_reference="r")
    made.rrsets = change(made, [wish("CREATE", "a.t", "127.0.0.1")])
    return made


def wish(action: str, name: str, *values: str, kind: str = "A", ttl: int = 30) -> Wish:
    records = [{"Value": value} for value in values]
    named = {"Name": name, "Type": kind, "TTL": ttl, "ResourceRecords": records}
    return {"Action": action, "ResourceRecordSet": named}


def seen(sets: list[Any]) -> dict[tuple[str, str], list[str]]:
    return {(each.name, each.type): each.records for each in sets}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            [wish("UPSERT", "a.t", "127.0.0.2")], {("a.t.", "A"): ["127.0.0.2"]}, id="replaced"
        ),
        pytest.param([wish("DELETE", "A.T.", "127.0.0.1")], {}, id="deleted, in capitals"),
        pytest.param(
            [wish("DELETE", "a.t", "127.0.0.1"), wish("CREATE", "a.t", "127.0.0.3")],
            {("a.t.", "A"): ["127.0.0.3"]},
            id="deleted and made anew",
        ),
    ],
)
def test_a_batch_is_done(changes: list[Wish], expected: dict[tuple[str, str], list[str]]) -> None:
    assert seen(change(zone(), changes)) == expected


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param([wish("CREATE", "a.t", "127.0.0.2")], "already exists", id="there already"),
        pytest.param([wish("DELETE", "a.t", "127.0.0.2")], "do not match", id="another value"),
        pytest.param([wish("DELETE", "a.t", "127.0.0.1", ttl=9)], "do not match", id="a TTL"),
        pytest.param([wish("DELETE", "b.t", "127.0.0.1")], "not found", id="not there"),
        pytest.param([wish("CREATE", "b.u", "127.0.0.1")], "not permitted", id="another zone"),
        pytest.param([wish("CREATE", "b.evilt", "127.0.0.1")], "not permitted", id="a suffix"),
        pytest.param([wish("UPSERT", "b.t", "127.0.0")], "Invalid Resource", id="no address"),
        pytest.param([wish("UPSERT", "b.t", "x y", kind="SRV")], "Invalid Resource", id="no SRV"),
        pytest.param([wish("UPSERT", "b.t", "x", kind="TXT")], "in quotes", id="no quotes"),
        pytest.param(
            [wish("UPSERT", "b.t", f'"{"x" * 256}"', kind="TXT")], "Invalid", id="a long string"
        ),
        pytest.param([wish("UPSERT", "b.t")], "no values", id="no values"),
        pytest.param(
            [wish("UPSERT", "b.t", "127.0.0.1", "127.0.0.1")], "Duplicate", id="a value twice"
        ),
        pytest.param(
            [wish("CREATE", "a.t", "b.t", kind="CNAME")], "conflicts", id="an alias beside A"
        ),
        pytest.param(
            [wish("UPSERT", "b.t", *(f"127.0.{n // 250}.{n % 250}" for n in range(401)))],
            "more than 400",
            id="too many values of a name",
        ),
        pytest.param(
            [wish("UPSERT", f"b{n}.t", "127.0.0.1") for n in range(501)], "1000", id="too many"
        ),
        pytest.param(
            [wish("UPSERT", f"b{n}.t", f'"{"x" * 200}"', kind="TXT") for n in range(80)],
            "32000",
            id="too long",
        ),
    ],
)
def test_a_batch_is_refused_and_says_why(changes: list[Wish], why: str) -> None:
    with pytest.raises(Route53ClientError, match="InvalidChangeBatch") as refused:
        change(zone(), changes)
    assert why in refused.value.message


def test_every_reason_is_said() -> None:
    wrong = [wish("DELETE", "b.t", "127.0.0.1"), wish("CREATE", "a.t", "127.0.0.1")]
    with pytest.raises(Route53ClientError) as refused:
        change(zone(), wrong)
    assert "not found" in refused.value.message
    assert "already exists" in refused.value.message


_wishes = st.builds(
    wish,
    st.sampled_from(["CREATE", "UPSERT", "DELETE"]),
    st.sampled_from(["a.t", "b.t", "c.u"]),
    st.sampled_from(["127.0.0.1", "127.0.0.2", "nothing"]),
)


@given(st.lists(_wishes, min_size=1, max_size=5))
def test_a_refused_batch_leaves_the_zone_as_it_was(changes: list[Wish]) -> None:
    made = zone()
    before = seen(made.rrsets)
    try:
        after = seen(change(made, changes))
    except Route53ClientError:
        assert seen(made.rrsets) == before
    else:
        assert all(values != ["nothing"] for values in after.values())
