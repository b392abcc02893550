"""Credentials of machines' roles, by STS, kept until they are nearly over."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from moto.sts.models import sts_backends

from sandbox.machines.facts import Facts, Profile
from sandbox.moto_server import MotoServer
from spawn.clock import Clock

_VALID = timedelta(hours=6)
_RENEWED = timedelta(hours=1)
"""Left when new ones are made: more than the 15 minutes at which SDKs ask again."""


class Session(msgspec.Struct, frozen=True):
    """One set of credentials, as the metadata service words it."""

    text: str
    expires: datetime


class Roles:
    """Makes and keeps the credentials of every machine."""

    def __init__(self, moto: MotoServer, clock: Clock) -> None:
        self._moto = moto
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    async def credentials(self, facts: Facts, profile: Profile) -> str:
        """Return the credentials of a machine's role as JSON."""
        known = self._sessions.get(facts.instance_id)
        if known is None or known.expires - self._clock.now() < _RENEWED:
            known = await self._moto.run(_assume, facts, profile, self._clock.now())
            self._sessions[facts.instance_id] = known
        return known.text

    def forget(self, instance_id: str) -> None:
        """Drop what is kept for a machine that has ended."""
        self._sessions.pop(instance_id, None)


def _assume(facts: Facts, profile: Profile, now: datetime) -> Session:
    """Assume the role as EC2 does: the session is named after the instance."""
    role: Any = sts_backends[facts.account]["aws"].assume_role(
        region_name=facts.region,
        role_session_name=facts.instance_id,
        role_arn=profile.role_arn,
        policy="",
        duration=int(_VALID.total_seconds()),
        external_id="",
    )
    expires = role.expiration.replace(tzinfo=UTC)
    text = json.dumps(
        {
            "Code": "Success",
            "LastUpdated": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "Type": "AWS-HMAC",
            "AccessKeyId": role.access_key_id,
            "SecretAccessKey": role.secret_access_key,
            "Token": role.session_token,
            "Expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
        },
        indent=2,
    )
    return Session(text, expires)
