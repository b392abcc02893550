"""Items: read, written, refused with what is nearest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.errors import Rejected
from spawn.permissions.items import LONGEST_ITEM, MOST_ITEMS, parse, parse_item, render
from spawn.permissions.templates import services
from tests.spawn.permissions.strategies import WRITTEN, items, items_of


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        pytest.param("s3:ReadOnly", "s3:ReadOnly", id="as it is"),
        pytest.param("S3:readonly", "s3:ReadOnly", id="in any case"),
        pytest.param(" s3 : ReadOnly : my-bucket ", "s3:ReadOnly:my-bucket", id="with spaces"),
        pytest.param("s3:ReadOnly:*", "s3:ReadOnly", id="a star is no limit"),
        pytest.param("dynamodb:ReadWrite:jobs", "dynamodb:ReadWrite:table/jobs", id="short"),
        pytest.param("ssm:ReadOnly:/app/db", "ssm:ReadOnly:parameter/app/db", id="with a slash"),
        pytest.param("s3:ReadOnly:b+a/x/*+b", "s3:ReadOnly:b+a/x/*", id="joined, each once"),
        pytest.param(
            "sqs:ReadWrite:arn:aws:sqs:eu-west-1:111122223333:jobs",
            "sqs:ReadWrite:arn:aws:sqs:eu-west-1:111122223333:jobs",
            id="an ARN stays one",
        ),
        pytest.param(
            "logs:ReadOnly:arn:aws:logs:eu-west-1:111122223333:log-group:/x:*",
            "logs:ReadOnly:arn:aws:logs:eu-west-1:111122223333:log-group:/x",
            id="an ARN as the console shows it",
        ),
    ],
)
def test_an_item_has_a_canonical_form(written: str, canonical: str) -> None:
    assert render(parse_item(written)) == canonical


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("", "there is no service ''", id="nothing"),
        pytest.param("s4:ReadOnly", "did you mean s3?", id="unknown service"),
        pytest.param("dynamo:ReadOnly", "did you mean dynamodb?", id="half a service"),
        pytest.param("s3:ReadOnyl", "did you mean ReadOnly?", id="unknown level"),
        pytest.param("s3:GetObject", "there is no level 'GetObject' of s3", id="an action"),
        pytest.param("s3", "name a level; use FullAccess, ReadOnly", id="no level"),
        pytest.param(
            "ecr:WriteOnly",
            "there is no level 'WriteOnly' of ecr; did you mean ReadWrite?",
            id="a level that the service has not",
        ),
        pytest.param("ec2:FullAccess", "did you mean ReadOnly?", id="EC2 may be looked at only"),
        pytest.param("s3:ReadOnly:", "name BUCKET or BUCKET/KEY", id="no resource"),
        pytest.param("s3:ReadOnly:a+", "'' is no resource of it", id="an empty resource"),
        pytest.param("s3:ReadOnly:My_Bucket!", "use BUCKET or BUCKET/KEY", id="no bucket"),
        pytest.param(
            "dynamodb:ReadOnly:arn:aws:sqs:eu-west-1:111122223333:jobs",
            "use table/TABLE or arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE",
            id="an ARN of another service",
        ),
        pytest.param("s3:ReadOnly:b/${aws:username}", "is no resource of it", id="a variable"),
        pytest.param(
            "cloudwatch:ReadOnly:x", "cloudwatch:ReadOnly alone", id="what can't be limited"
        ),
        pytest.param("s3:ReadOnly:" + "x" * LONGEST_ITEM, "characters at most", id="endless"),
    ],
)
def test_what_is_no_item_is_rejected_with_the_nearest(written: str, said: str) -> None:
    with pytest.raises(Rejected) as rejected:
        parse_item(written)
    assert rejected.value.field == "policies"
    assert said in rejected.value.message
    assert len(rejected.value.message) < 600


@pytest.mark.parametrize("service", services())
def test_what_is_written_canonically_reads_the_same(service: str) -> None:
    for item in map(parse_item, items_of(service)):
        assert parse_item(render(item)) == item


def test_items_may_be_in_one_text_or_in_several() -> None:
    assert parse(["s3:ReadOnly,logs:WriteOnly"]) == parse(["logs:WriteOnly", "s3:ReadOnly", ""])


def test_items_of_one_service_and_level_are_one() -> None:
    assert [*map(render, parse(["s3:ReadOnly:b", "s3:ReadOnly:a"]))] == ["s3:ReadOnly:a+b"]
    assert [*map(render, parse(["s3:ReadOnly:b", "s3:ReadOnly"]))] == ["s3:ReadOnly"]


def test_no_more_items_are_read_than_a_policy_can_hold() -> None:
    with pytest.raises(Rejected, match=f"use {MOST_ITEMS} at most"):
        parse(["s3:ReadOnly"] * (MOST_ITEMS + 1))


@given(st.lists(items(), max_size=6))
def test_parsing_undoes_rendering(written: list[str]) -> None:
    parsed = parse(written)
    assert parse([render(item) for item in parsed]) == parsed


@given(st.text())
def test_no_text_crashes_the_parser(text: str) -> None:
    assert read_or_rejected(text) in ("", "policies")


@given(
    st.sampled_from([*services(), "s4"]),
    st.sampled_from(["FullAccess", "readonly", "WRITEONLY", "ReadWrite", "x"]),
    st.text(st.sampled_from("ab/*?+:.-_$ arn{}\\"), max_size=60),
)
def test_no_resource_crashes_the_parser(service: str, level: str, resource: str) -> None:
    assert read_or_rejected(f"{service}:{level}:{resource}") in ("", "policies")


def read_or_rejected(text: str) -> str:
    """Read a text and what it is rendered as; return the field that was rejected."""
    try:
        found = parse([text])
    except Rejected as rejected:
        return rejected.field
    assert parse([render(each) for each in found]) == found
    return ""


def test_the_examples_of_these_tests_cover_every_service() -> None:
    assert WRITTEN.keys() == services().keys()
