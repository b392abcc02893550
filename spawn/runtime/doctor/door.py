"""Dialling the bus as a machine on another host does: TLS, the right certificate, a bus."""

import asyncio
import base64
import hashlib
import http.client
import secrets
import ssl
from contextlib import closing

from spawn.errors import Rejected
from spawn.runtime.doctor.findings import Finding
from spawn.runtime.home import ControlState
from spawn.runtime.supervisor.advertising import read_address
from spawn.runtime.supervisor.probe import PATIENCE

_CHECK = "machines' door"


async def look_at_door(state: ControlState) -> Finding | None:
    """Dial where machines are told to; None when none are told to come from other hosts."""
    if not state.advertised:
        return None
    try:
        shown = await asyncio.to_thread(_dial, state.advertised)
    except (OSError, http.client.HTTPException, Rejected) as error:
        return Finding(
            _CHECK,
            ok=False,
            detail=f"{state.advertised} can't be reached from here: {error}",
            hint="its name must lead to this host, and firewalls must let its port in",
        )
    if shown != state.fingerprint:
        return Finding(
            _CHECK,
            ok=False,
            detail=f"{state.advertised} shows another certificate ({shown[:16]}…)",
            hint="something else answers there; SPAWN_BUS_ADVERTISE must lead to this host",
        )
    return Finding(_CHECK, ok=True, detail=f"{state.advertised} answers, certificate as pinned")


def _dial(url: str) -> str:
    """Return the SHA-256 of the certificate shown. Raises `OSError` unless a bus answers."""
    host, port = read_address(url)
    context = ssl.create_default_context()
    # The certificate is looked at here, not vouched for: it is compared with the pinned one.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    patience = PATIENCE.total_seconds()
    with closing(
        http.client.HTTPSConnection(host, port, context=context, timeout=patience)
    ) as connection:
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)  # noqa: S101 - what HTTPS connects by
        shown = connection.sock.getpeercert(binary_form=True) or b""
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
            "Sec-WebSocket-Version": "13",
        }
        connection.request("GET", "/", headers=headers)
        status = connection.getresponse().status
    if status != http.client.SWITCHING_PROTOCOLS:
        raise ConnectionError(f"it answers with status {status}")
    return hashlib.sha256(shown).hexdigest()
