"""Where machines outside of this host reach the bus: an address, and a certificate for it."""

import hashlib
import ssl
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from spawn.clock import Clock
from spawn.errors import Rejected
from spawn.runtime.files import write_private
from spawn.runtime.home import Home
from spawn.runtime.supervisor.bus_config import Listener

_LIFE = timedelta(days=3650)
"""Machines pin the certificate itself, so it must outlive every lease; its dates protect nothing
that the pin does not."""

_CLOCKS_APART = timedelta(days=1)


class AdvertisingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How machines outside of this host reach the bus."""

    bus_advertise: Annotated[
        str,
        msgspec.Meta(description="Address at which machines reach the bus, tls://host:port"),
    ] = ""
    bus_listen: Annotated[
        str,
        msgspec.Meta(
            description="Where the bus listens for them, host:port, when not at the advertised"
            " port of all addresses"
        ),
    ] = ""
    bus_certificate: Annotated[
        str,
        msgspec.Meta(
            description="PEM file with the bus's certificate, followed by its issuers; one of its"
            " own when unset"
        ),
    ] = ""
    bus_key: Annotated[
        str, msgspec.Meta(description="PEM file of mode 0600 with that certificate's key")
    ] = ""


class Advertised(msgspec.Struct, frozen=True, kw_only=True):
    """What machines are told: the address, and the SHA-256 of the certificate, in hexadecimal."""

    url: str
    fingerprint: str
    listener: Listener


def advertise(home: Home, settings: AdvertisingSettings, clock: Clock) -> Advertised | None:
    """Return where machines reach the bus, None when they do so on this host only.

    Makes a certificate when none is given and none was made before. Raises `Rejected` naming the
    variable that can't be used.
    """
    if not settings.bus_advertise:
        return None
    host, port = read_address(settings.bus_advertise)
    listen_host, listen_port = _listen(settings.bus_listen, port)
    certificate, key = _files(home, settings, clock, host=host)
    return Advertised(
        url=settings.bus_advertise.rstrip("/"),
        fingerprint=fingerprint_of(certificate),
        listener=Listener(
            host=listen_host, port=listen_port, certificate=str(certificate), key=str(key)
        ),
    )


def read_address(text: str) -> tuple[str, int]:
    """Return host and port of `tls://host:port`; raise `Rejected` when it is not that."""
    try:
        parts = urlsplit(text.rstrip("/"))
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    if parts.scheme != "tls" or not host or not port or not plain:
        raise Rejected(
            f"SPAWN_BUS_ADVERTISE={text!r}: write the address at which machines reach this host,"
            " like tls://bus.example.com:4443",
            field="SPAWN_BUS_ADVERTISE",
        )
    return host, port


def fingerprint_of(certificate: Path) -> str:
    """Return the SHA-256 of the first certificate in a PEM file, in hexadecimal."""
    try:
        pem = certificate.read_text()
        first = pem[: pem.index(_END) + len(_END)]
        der = ssl.PEM_cert_to_DER_cert(first[first.index(_BEGIN) :])
    except (OSError, ValueError) as error:
        raise Rejected(
            f"SPAWN_BUS_CERTIFICATE={certificate} holds no certificate that can be read",
            field="SPAWN_BUS_CERTIFICATE",
        ) from error
    return hashlib.sha256(der).hexdigest()


_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def _listen(text: str, port: int) -> tuple[str, int]:
    if not text:
        return "0.0.0.0", port  # noqa: S104 - it is there to be reached
    try:
        parts = urlsplit(f"//{text}")
        host, own = parts.hostname, parts.port
    except ValueError:
        host, own = None, None
    if not host or not own:
        raise Rejected(
            f"SPAWN_BUS_LISTEN={text!r}: write an address of this host and a port, like"
            " 0.0.0.0:4443",
            field="SPAWN_BUS_LISTEN",
        )
    return f"[{host}]" if ":" in host else host, own


def _files(
    home: Home, settings: AdvertisingSettings, clock: Clock, *, host: str
) -> tuple[Path, Path]:
    given = (settings.bus_certificate, settings.bus_key)
    if all(given):
        certificate, key = (Path(each).expanduser() for each in given)
        _check_pair(certificate, key)
        return certificate, key
    if any(given):
        raise Rejected(
            "SPAWN_BUS_CERTIFICATE and SPAWN_BUS_KEY are only of use together",
            field="SPAWN_BUS_KEY" if settings.bus_certificate else "SPAWN_BUS_CERTIFICATE",
        )
    if not (home.bus_certificate.exists() and home.bus_key.exists()):
        certificate, key = make_certificate(host, clock)
        write_private(home.bus_key, key)
        write_private(home.bus_certificate, certificate)
    return home.bus_certificate, home.bus_key


def _check_pair(certificate: Path, key: Path) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        raise Rejected(
            f"SPAWN_BUS_CERTIFICATE={certificate} and SPAWN_BUS_KEY={key} can't be used:"
            f" {error.strerror if isinstance(error, OSError) else 'the files are unreadable'}",
            field="SPAWN_BUS_CERTIFICATE",
        ) from error


def make_certificate(host: str, clock: Clock) -> tuple[bytes, bytes]:
    """Return a new certificate for `host`, signed by itself, and its key, both as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "spawn bus")])
    now = clock.now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_APART)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
