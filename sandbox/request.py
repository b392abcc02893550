"""What a request asks for: service, action, region, who, and its parameters.

SigV4 puts service and region into the credential scope, in the `Authorization` header or, for
a presigned URL, in the query
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
"""

import re
from collections.abc import Mapping
from typing import NewType
from urllib.parse import parse_qsl

import msgspec

from sandbox.errors import Protocol

AccountId = NewType("AccountId", str)
Region = NewType("Region", str)

DEFAULT_ACCOUNT = AccountId("123456789012")
DEFAULT_REGION = Region("us-east-1")

_SCOPE = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request")
_SCOPE_PARTS = 5
_REST_XML = frozenset({"route53", "cloudfront", "s3control"})
_FORM = "application/x-www-form-urlencoded"


class Scope(msgspec.Struct, frozen=True):
    """The credential scope of a signed request."""

    access_key_id: str
    date: str
    region: Region
    service: str
    presigned: bool = False


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One AWS API call, as received."""

    service: str
    action: str
    region: Region
    scope: Scope | None
    access_key: str = ""
    """Of whom it says that it is, empty for nobody."""
    protocol: Protocol
    method: str
    path: str
    """The raw path, still percent-encoded."""
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    form: dict[str, str] = {}
    """Parameters of a query-protocol call; empty for every other."""
    account: AccountId = DEFAULT_ACCOUNT
    request_id: str = ""

    def header(self, name: str) -> str:
        """Return a header's value, empty when it is absent; names in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")


def read_scope(authorization: str, query: Mapping[str, str]) -> Scope | None:
    """Return the credential scope, None when the request is not signed by SigV4."""
    match = _SCOPE.search(authorization)
    if match is not None:
        key, date, region, service = match.groups()
        return Scope(key, date, Region(region), service.lower())
    parts = query.get("X-Amz-Credential", "").split("/")
    if len(parts) != _SCOPE_PARTS:
        return None
    return Scope(parts[0], parts[1], Region(parts[2]), parts[3].lower(), presigned=True)


def access_key_of(authorization: str, query: Mapping[str, str]) -> str:
    """Return the key that a request is signed with, empty for an anonymous one."""
    scope = read_scope(authorization, query)
    if scope is not None:
        return scope.access_key_id
    # Signature version 2, with which SDKs still sign links to objects.
    # https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
    if authorization.startswith("AWS "):
        return authorization.removeprefix("AWS ").partition(":")[0]
    return query.get("AWSAccessKeyId", "")


def parse(
    *, method: str, target: str, headers: tuple[tuple[str, str], ...], body: bytes, request_id: str
) -> Call:
    """Read a request; `target` is the raw path with its query. Never raises."""
    path, _, query = target.partition("?")
    by_name = {name.lower(): value for name, value in headers}
    form = _form(query, body, content_type=by_name.get("content-type", ""))
    authorization, asked = by_name.get("authorization", ""), dict(parse_qsl(query))
    scope = read_scope(authorization, asked)
    access_key = access_key_of(authorization, asked)
    service = scope.service if scope else _unsigned_service(form, access_key=access_key)
    target_header = by_name.get("x-amz-target", "")
    action = form.get("Action", "") or target_header.rpartition(".")[2]
    return Call(
        service=service,
        action=action,
        region=scope.region if scope else DEFAULT_REGION,
        scope=scope,
        access_key=access_key,
        protocol=_protocol(service, form=form, content_type=by_name.get("content-type", "")),
        method=method,
        path=path,
        query=query,
        headers=headers,
        body=body,
        form=form if "Action" in form else {},
        request_id=request_id,
    )


def _form(query: str, body: bytes, *, content_type: str) -> dict[str, str]:
    values = dict(parse_qsl(query, keep_blank_values=True))
    if content_type.startswith(_FORM):
        text = body.decode("utf-8", errors="replace")
        values.update(parse_qsl(text, keep_blank_values=True))
    return values


def _unsigned_service(form: Mapping[str, str], *, access_key: str) -> str:
    if access_key:
        return "s3"
    version = {"2016-11-15": "ec2", "2011-06-15": "sts", "2010-05-08": "iam"}
    return version.get(form.get("Version", ""), "")


def _protocol(service: str, *, form: Mapping[str, str], content_type: str) -> Protocol:
    if service == "ec2":
        return "ec2"
    if service in {"s3", ""}:
        return "s3"
    if "x-amz-json" in content_type:
        return "json"
    if "Action" in form:
        return "query"
    return "rest-xml" if service in _REST_XML else "rest-json"
