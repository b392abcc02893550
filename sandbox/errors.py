"""AWS errors, and the shape that each AWS protocol gives them."""

import json
from typing import Literal
from xml.sax.saxutils import escape

import msgspec

Protocol = Literal["ec2", "query", "json", "rest-json", "rest-xml", "s3"]

SERVER_ERROR = 500


class Reply(msgspec.Struct, frozen=True):
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str | None = "text/xml;charset=UTF-8"
    headers: tuple[tuple[str, str], ...] = ()
    code: str = ""
    """The AWS error code, empty when the call succeeded."""


class AwsError(Exception):
    """An error as AWS would answer: code, text for people, HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def render(error: AwsError, protocol: Protocol, *, request_id: str) -> Reply:
    """Return `error` in the shape of `protocol`, so that every SDK reads code and text."""
    if protocol in {"json", "rest-json"}:
        return _json(error, request_id=request_id)
    body = _xml(error, protocol, request_id=request_id)
    headers = (("x-amzn-RequestId", request_id),)
    return Reply(error.status, body.encode(), headers=headers, code=error.code)


def _json(error: AwsError, *, request_id: str) -> Reply:
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    fault = "Receiver" if error.status >= SERVER_ERROR else "Sender"
    headers = (
        ("x-amzn-RequestId", request_id),
        ("x-amzn-ErrorType", error.code),
        # Services that moved from query to JSON (SQS) keep their old codes in this header.
        ("x-amzn-query-error", f"{error.code};{fault}"),
    )
    return Reply(error.status, body, "application/x-amz-json-1.0", headers, error.code)


def _xml(error: AwsError, protocol: Protocol, *, request_id: str) -> str:
    code, message = escape(error.code), escape(error.message)
    inner = f"<Code>{code}</Code><Message>{message}</Message>"
    if protocol == "ec2":
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Response><Errors><Error>{inner}</Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    if protocol == "s3":
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
        )
    fault = "Receiver" if error.status >= SERVER_ERROR else "Sender"
    return (
        f"<ErrorResponse><Error><Type>{fault}</Type>{inner}</Error>"
        f"<RequestId>{request_id}</RequestId></ErrorResponse>"
    )
