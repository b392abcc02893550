"""Reading a machine's proof: it must be GetCallerIdentity for us, now, and nothing else.

Whatever differs is refused before a call is made: the client chooses neither where the call goes
nor what it says.
"""

import base64
import binascii
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import msgspec

from services.iam_broker.model import Claim, Expected, Session
from spawn.contracts.identities import (
    AUDIENCE_HEADER,
    NONCE_HEADER,
    PROOF_BODY,
    SIGNED_HEADERS,
    Proof,
    SignedCall,
)
from spawn.contracts.ids import InstanceId
from spawn.errors import Cause, Rejected

FRESH = timedelta(minutes=5)
"""How far the date of a proof may be from now."""

LARGEST = 16 * 1024
"""Characters of a token: session tokens of roles have 1 to 4 kB."""

_VERSION = 1
_HOST = re.compile(r"https://sts\.([a-z]{2}(?:-[a-z]+)+-[0-9])\.amazonaws\.com(?:\.cn)?/")
"""Regional endpoints of STS (https://docs.aws.amazon.com/general/latest/gr/sts.html)."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=[A-Z0-9]{16,128}/([0-9]{8})/([a-z0-9-]{1,40})/sts/aws4_request,"
    r" ?SignedHeaders=([a-z0-9;-]+), ?Signature=[0-9a-f]{64}"
)
_NONCE = re.compile(r"[A-Za-z0-9_-]{11,64}")
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_CONTENT_TYPES = frozenset(
    {
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=utf-8",
    }
)
_STAMP = "%Y%m%dT%H%M%SZ"
_STAMP_FORM = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_ARN = re.compile(
    r"arn:aws(?:-[a-z-]+)?:sts::[0-9]{12}:assumed-role/([\w+=,.@-]{1,64})/(i-[0-9a-f]{8,17})",
    re.ASCII,
)
_OUR_ROLE = re.compile(r"spawn-[0-9a-f]{16}")


def read_proof(token: str, expected: Expected) -> Claim:
    """Return what a token claims; raise `Rejected` when it is not exactly a proof for us."""
    proof = _decode(token)
    if proof.v != _VERSION or proof.body != PROOF_BODY:
        raise _refused("it is not version 1 of a GetCallerIdentity")
    headers = _headers(proof)
    region = _check_place(proof.url, headers, expected)
    _check_signed(headers, region)
    _check_date(headers, expected.now)
    if headers[AUDIENCE_HEADER] != expected.deployment:
        raise _refused("it was made for another deployment")
    nonce = headers[NONCE_HEADER]
    if not _NONCE.fullmatch(nonce):
        raise _refused("its nonce has another form")
    call = SignedCall(url=proof.url, headers=headers, body=PROOF_BODY)
    return Claim(call=call, region=region, nonce=nonce)


def read_session(account: str, arn: str, *, ours: str, allowed: Collection[str] = ()) -> Session:
    """Return whose signature STS found; raise `Rejected` when it is not an instance of ours.

    `ours` is our account, and `allowed` are roles that we have not made and machines may have.
    """
    match = _ARN.fullmatch(arn)
    if account != ours or match is None:
        raise _refused("the signature is not that of an instance of ours")
    role, instance_id = match.groups()
    is_ours = _OUR_ROLE.fullmatch(role) is not None
    if not is_ours and role not in allowed:
        raise _refused("the signature is not that of an instance of ours")
    return Session(role=role, instance_id=InstanceId(instance_id), ours=is_ours)


def _decode(token: str) -> Proof:
    if not token or len(token) > LARGEST:
        raise _refused("there is none, or it is too long")
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(data, type=Proof)
    except (binascii.Error, ValueError, RecursionError) as error:
        # The text of the error may hold parts of the token.
        raise _refused("it can't be decoded") from error


def _headers(proof: Proof) -> dict[str, str]:
    headers = proof.headers
    if set(headers) != {*SIGNED_HEADERS, "authorization"}:
        raise _refused("its headers are not exactly those that are wanted")
    if not all(_PRINTABLE.fullmatch(value) for value in headers.values()):
        raise _refused("a header holds what a header may not")
    if headers["content-type"] not in _CONTENT_TYPES:
        raise _refused("its content type is another")
    return headers


def _check_place(url: str, headers: dict[str, str], expected: Expected) -> str:
    """Return the region whose STS is to be asked."""
    scope = _AUTHORIZATION.fullmatch(headers["authorization"])
    signed_for = scope.group(2) if scope else ""
    if expected.endpoint:
        allowed, region = url == f"{expected.endpoint.rstrip('/')}/", signed_for
    else:
        match = _HOST.fullmatch(url)
        allowed, region = match is not None, match.group(1) if match else ""
    if not allowed:
        raise _refused("it is not for an endpoint of STS that is asked")
    if headers["host"] != url.partition("://")[2].rstrip("/"):
        raise _refused("its host header names another host")
    return region


def _check_signed(headers: dict[str, str], region: str) -> None:
    scope = _AUTHORIZATION.fullmatch(headers["authorization"])
    if scope is None or scope.group(3) != ";".join(SIGNED_HEADERS):
        raise _refused("its signature does not cover exactly what it must")
    if scope.group(2) != region or not headers["x-amz-date"].startswith(scope.group(1)):
        raise _refused("its signature is for another region or day")


def _check_date(headers: dict[str, str], now: datetime) -> None:
    stamp = headers["x-amz-date"]
    try:
        if not _STAMP_FORM.fullmatch(stamp):
            raise _refused("its date has another form")
        at = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError as error:
        raise _refused("its date is none") from error
    if abs(now - at) > FRESH:
        raise _refused(f"its date is more than {FRESH.total_seconds() / 60:.0f} minutes from now")


def _refused(why: str) -> Rejected:
    return Rejected(f"the proof is refused: {why}", code="BadProof", cause=Cause.PERMISSION)
