import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import AwsError, Protocol, render
from sandbox.request import DEFAULT_REGION, Scope, parse

SIGNED = "AWS4-HMAC-SHA256 Credential=AKIA1/20260102/{}/{}/aws4_request, SignedHeaders=host"
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


def test_a_query_call_is_read_from_its_form() -> None:
    call = parse(
        method="POST",
        target="/",
        headers=(("authorization", SIGNED.format("eu-west-1", "ec2")), FORM),
        body=b"Action=RunInstances&Version=2016-11-15&TagSpecification.1.Tag.1.Value=a%20b%26c",
        request_id="r",
    )
    assert (call.service, call.action, call.region) == ("ec2", "RunInstances", "eu-west-1")
    assert call.protocol == "ec2"
    assert call.form["TagSpecification.1.Tag.1.Value"] == "a b&c"
    assert call.scope == Scope("AKIA1", "20260102", call.region, "ec2")


def test_a_json_call_is_read_from_its_target() -> None:
    headers = (
        ("Authorization", SIGNED.format("us-west-2", "sqs")),
        ("X-Amz-Target", "AmazonSQS.ReceiveMessage"),
        ("Content-Type", "application/x-amz-json-1.0"),
    )
    call = parse(method="POST", target="/", headers=headers, body=b"{}", request_id="r")
    assert (call.service, call.action, call.protocol) == ("sqs", "ReceiveMessage", "json")


def test_a_presigned_url_is_read_from_its_query() -> None:
    target = (
        "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=ASIA2%2F20260102%2Feu-central-1%2Fsts%2Faws4_request"
    )
    call = parse(method="GET", target=target, headers=(), body=b"", request_id="r")
    assert (call.service, call.action, call.region) == ("sts", "GetCallerIdentity", "eu-central-1")
    assert call.scope is not None
    assert call.scope.presigned
    assert call.protocol == "query"


def test_an_unsigned_call_is_known_by_its_version() -> None:
    body = b"Action=DescribeInstances&Version=2016-11-15"
    call = parse(method="POST", target="/", headers=(FORM,), body=body, request_id="r")
    assert (call.service, call.scope, call.region) == ("ec2", None, DEFAULT_REGION)


@given(
    target=st.text(min_size=1),
    headers=st.lists(st.tuples(st.text(), st.text())),
    body=st.binary(),
    kind=st.sampled_from(["", FORM[1], "application/json"]),
)
def test_nothing_that_is_sent_breaks_the_reading(
    target: str, headers: list[tuple[str, str]], body: bytes, kind: str
) -> None:
    named = (*headers, ("Content-Type", kind))
    call = parse(method="POST", target=target, headers=named, body=body, request_id="r")
    assert call.body == body


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("ec2", b"<Response><Errors><Error><Code>Bad</Code><Message>a &lt; b</Message>"),
        ("query", b"<ErrorResponse><Error><Type>Sender</Type><Code>Bad</Code>"),
        ("rest-xml", b"<ErrorResponse><Error><Type>Sender</Type><Code>Bad</Code>"),
        ("s3", b"<Error><Code>Bad</Code><Message>a &lt; b</Message>"),
        ("json", b'{"__type": "Bad", "message": "a < b"}'),
        ("rest-json", b'{"__type": "Bad", "message": "a < b"}'),
    ],
)
def test_each_protocol_has_its_shape_of_error(protocol: Protocol, expected: bytes) -> None:
    reply = render(AwsError("Bad", "a < b", status=418), protocol, request_id="r")
    assert expected in reply.body
    assert (reply.status, reply.code) == (418, "Bad")
