"""Who calls: the identity behind an access key, and the policies that count for it.

Moto's thread only. Policies are read anew for every call: a change counts at once.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from sandbox.errors import AwsError
from sandbox.iam.evaluator import Sources
from sandbox.iam.policy import Policy, parse_policy
from sandbox.request import Call
from spawn.clock import Clock

_PARTITION = "aws"


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """An IAM user, or a session of a role."""

    arn: str
    """Of the session, where it is one."""
    of: str
    """The user's or the role's own ARN."""
    account: str
    sources: Sources
    context: dict[str, tuple[str, ...]]


class Principals:
    """The keys that IAM and STS have given out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[str, Any] = {}
        """moto's sessions by access key, read so far: it has them in a list that only grows."""
        self._read: dict[str, int] = {}

    def of(self, call: Call) -> Principal | None:
        """Return who makes a call, None for a key that nobody was given.

        Raises `AwsError` for a session that is over, or is named without its token.
        """
        key = call.access_key
        session = self._session(key)
        if session is not None:
            self._check(call, session)
            return _assumed(session)
        for account, partitions in list(iam_backends.items()):
            backend = partitions[_PARTITION]
            found: Any = backend.access_keys.get(key)
            if found is not None and found.user_name and found.status == "Active":
                return _user(str(account), backend, backend.users[found.user_name])
        return None

    def _session(self, key: str) -> Any:
        for account, partitions in list(sts_backends.items()):
            given: list[Any] = partitions[_PARTITION].assumed_roles
            for session in given[self._read.get(account, 0) :]:
                self._sessions[session.access_key_id] = session
            self._read[account] = len(given)
        return self._sessions.get(key)

    def _check(self, call: Call, session: Any) -> None:
        expires: datetime = session.expiration
        if expires.replace(tzinfo=UTC) <= self._clock.now():
            raise _expired(call)
        query = dict(parse_qsl(call.query))
        token = (
            call.header("x-amz-security-token")
            or query.get("X-Amz-Security-Token", "")
            or query.get("x-amz-security-token", "")
        )
        if token != session.session_token:
            raise AwsError(
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
                status=403,
            )


def _expired(call: Call) -> AwsError:
    code = "ExpiredTokenException" if call.protocol == "json" else "ExpiredToken"
    if call.service == "ec2":
        code = "RequestExpired"
    return AwsError(code, "The security token included in the request is expired", status=403)


def _assumed(session: Any) -> Principal:
    account = str(session.account_id)
    backend = iam_backends[account][_PARTITION]
    role = role_named(account, str(session.role_arn).rpartition("/")[2])
    # Another role of this name may have been made since; who holds the old one's key has nothing.
    lives = role is not None and str(role.arn) == str(session.role_arn)
    sources = _sources(backend, role) if lives else Sources()
    if session.policy:
        limits = (parse_policy(str(session.policy), "session"),)
        sources = msgspec.structs.replace(sources, session=limits)
    name = str(session.session_name)
    context = {
        "aws:principaltype": ("AssumedRole",),
        "aws:userid": (str(session.user_id),),
        **({"ec2:sourceinstancearn": (name,)} if name.startswith("i-") else {}),
        **(_tags(role) if lives else {}),
    }
    return Principal(
        arn=str(session.arn),
        of=str(session.role_arn),
        account=account,
        sources=sources,
        context={**context, **_identity(str(session.role_arn), account)},
    )


def _user(account: str, backend: Any, user: Any) -> Principal:
    arn = str(user.arn)
    context = {
        "aws:principaltype": ("User",),
        "aws:userid": (str(user.id),),
        "aws:username": (str(user.name),),
        **_identity(arn, account),
    }
    sources = _sources(backend, user)
    return Principal(arn=arn, of=arn, account=account, sources=sources, context=context)


def _identity(arn: str, account: str) -> dict[str, tuple[str, ...]]:
    return {"aws:principalarn": (arn,), "aws:principalaccount": (account,)}


def _tags(role: Any) -> dict[str, tuple[str, ...]]:
    tags: list[dict[str, str]] = role.tags
    return {f"aws:principaltag/{tag['Key'].lower()}": (str(tag["Value"]),) for tag in tags}


def role_named(account: str, name: str) -> Any:
    """Return moto's role of a name, None when there is none."""
    roles: dict[str, Any] = iam_backends[account][_PARTITION].roles
    return next((role for role in roles.values() if role.name == name), None)


def _sources(backend: Any, owner: Any) -> Sources:
    inline: dict[str, str] = owner.policies
    attached: dict[str, Any] = owner.managed_policies
    identity = (
        *(parse_policy(_text(text), name) for name, text in inline.items()),
        *(_managed(policy) for policy in attached.values()),
    )
    boundary = getattr(owner, "permissions_boundary_arn", None)
    if not boundary:
        return Sources(identity=identity)
    # A boundary that is not there allows nothing.
    limits: Any = backend.managed_policies.get(boundary)
    return Sources(identity=identity, boundary=() if limits is None else (_managed(limits),))


def _managed(policy: Any) -> Policy:
    default = policy.default_version_id
    version: Any = next(one for one in policy.versions if one.version_id == default)
    return parse_policy(_text(version.document), str(policy.arn))


def _text(document: Any) -> str:
    return document if isinstance(document, str) else msgspec.json.encode(document).decode()
