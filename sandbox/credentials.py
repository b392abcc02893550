"""Who calls: accounts by access key, and AWS Signature Version 4.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sandbox.errors import AwsError
from sandbox.request import DEFAULT_ACCOUNT, AccountId, Call, Scope
from spawn.clock import Clock

_ALGORITHM = "AWS4-HMAC-SHA256"
_SKEW = timedelta(minutes=15)
"""How far a signature's date may be off."""
_TIME = "%Y%m%dT%H%M%SZ"
_ACCOUNT_HEADER = "x-moto-account-id"
UNSIGNED = frozenset({"AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"})
"""Calls that carry another proof than a signature."""


class Credentials:
    """The sandbox's own key, and the keys that moto has given out. Moto's thread only."""

    def __init__(self, access_key_id: str, secret_access_key: str, clock: Clock) -> None:
        self.access_key_id = access_key_id
        self.secret_access_key = secret_access_key
        self._clock = clock

    def account_of(self, call: Call) -> AccountId:
        """Return the account that a call is for."""
        named = call.header(_ACCOUNT_HEADER)
        if named:
            return AccountId(named)
        if call.scope is None or call.scope.access_key_id == self.access_key_id:
            return DEFAULT_ACCOUNT
        key = call.scope.access_key_id
        for account, partitions in list(iam_backends.items()):
            if "aws" in partitions and key in partitions["aws"].access_keys:
                return AccountId(account)
        return DEFAULT_ACCOUNT

    def verify(self, call: Call) -> None:
        """Check a call's signature. Raises `AwsError` as the service would."""
        scope = call.scope
        if scope is None:
            if call.action in UNSIGNED:
                return
            raise missing_signature()
        secret = self._secret(scope.access_key_id)
        if secret is None:
            raise unknown_key(call)
        stamp, signed, given = _claims(call)
        self._check_date(call, stamp)
        expected = _signature(call, scope, secret, stamp=stamp, signed=signed)
        if not hmac.compare_digest(expected, given):
            raise _refused(
                call,
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method. Consult the service "
                "documentation for details.",
            )

    def _secret(self, access_key_id: str) -> str | None:
        if access_key_id == self.access_key_id:
            return self.secret_access_key
        for partitions in list(iam_backends.values()):
            for backend in partitions.values():
                key: Any = backend.access_keys.get(access_key_id)
                if key is not None:
                    return str(key.secret_access_key)
        for partitions in list(sts_backends.values()):
            for backend in partitions.values():
                role: Any = backend.get_assumed_role_from_access_key(access_key_id)
                if role is not None:
                    return str(role.secret_access_key)
        return None

    def _check_date(self, call: Call, stamp: str) -> None:
        try:
            at = datetime.strptime(stamp, _TIME).replace(tzinfo=UTC)
        except ValueError as error:
            raise _refused(call, "Date must be in ISO-8601 'basic format'.") from error
        if abs(self._clock.now() - at) > _SKEW:
            raise _refused(call, f"Signature expired: {stamp} is not within 15 minutes of now.")


def missing_signature() -> AwsError:
    """Return the error for a request that is not signed and must be."""
    return AwsError(
        "MissingAuthenticationToken", "Request is missing Authentication Token", status=403
    )


def _claims(call: Call) -> tuple[str, str, str]:
    """Return date, signed headers and signature as the request states them."""
    if call.scope is not None and call.scope.presigned:
        query = dict(parse_qsl(call.query))
        return (
            query.get("X-Amz-Date", ""),
            query.get("X-Amz-SignedHeaders", ""),
            query.get("X-Amz-Signature", ""),
        )
    fields: dict[str, str] = {}
    for part in call.header("authorization").removeprefix(_ALGORITHM).split(","):
        name, _, value = part.strip().partition("=")
        fields[name] = value
    return call.header("x-amz-date"), fields.get("SignedHeaders", ""), fields.get("Signature", "")


def _signature(call: Call, scope: Scope, secret: str, *, stamp: str, signed: str) -> str:
    canonical = _canonical(call, signed)
    credential = f"{scope.date}/{scope.region}/{scope.service}/aws4_request"
    digest = sha256(canonical.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{stamp}\n{credential}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in (scope.date, scope.region, scope.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _canonical(call: Call, signed: str) -> str:
    names = signed.split(";")
    headers = "".join(f"{name}:{_folded(call, name)}\n" for name in names)
    return "\n".join((call.method, _path(call), _query(call), headers, signed, _payload(call)))


def _folded(call: Call, name: str) -> str:
    return " ".join(call.header(name).split())


def _path(call: Call) -> str:
    path = call.path or "/"
    # Every service but S3 signs the path encoded once more.
    return path if call.service == "s3" else quote(path, safe="/-_.~")


def _query(call: Call) -> str:
    pairs: list[tuple[str, str]] = []
    for part in filter(None, call.query.split("&")):
        name, _, value = part.partition("=")
        name, value = unquote(name.replace("+", " ")), unquote(value.replace("+", " "))
        if name != "X-Amz-Signature":
            pairs.append((quote(name, safe="-_.~"), quote(value, safe="-_.~")))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _payload(call: Call) -> str:
    stated = call.header("x-amz-content-sha256")
    if stated.startswith(("UNSIGNED-PAYLOAD", "STREAMING-")):
        return stated
    if call.service == "s3" and call.scope is not None and call.scope.presigned:
        return "UNSIGNED-PAYLOAD"
    return sha256(call.body).hexdigest()


def unknown_key(call: Call) -> AwsError:
    """Return the error for an access key that nobody was given."""
    if call.service == "ec2":
        return _refused(call, "")
    if call.service == "s3":
        text = "The AWS Access Key Id you provided does not exist in our records."
        return AwsError("InvalidAccessKeyId", text, status=403)
    code = "UnrecognizedClientException" if call.protocol == "json" else "InvalidClientTokenId"
    text = "The security token included in the request is invalid."
    return AwsError(code, text, status=403)


def _refused(call: Call, text: str) -> AwsError:
    if call.service == "ec2":
        return AwsError(
            "AuthFailure",
            "AWS was not able to validate the provided access credentials",
            status=401,
        )
    code = "InvalidSignatureException" if call.protocol == "json" else "SignatureDoesNotMatch"
    return AwsError(code, text, status=403)
