"""Where machines on other hosts reach the bus."""

import ssl
from pathlib import Path

import pytest

from spawn.clock import SystemClock
from spawn.errors import Rejected
from spawn.runtime.home import Home
from spawn.runtime.supervisor.advertising import (
    AdvertisingSettings,
    advertise,
    fingerprint_of,
    make_certificate,
    read_address,
)

CLOCK = SystemClock()
URL = "tls://bus.example.com:4443"


def test_nothing_is_advertised_unasked(tmp_path: Path) -> None:
    assert advertise(Home(tmp_path), AdvertisingSettings(), CLOCK) is None
    assert not list(tmp_path.iterdir())


def test_a_certificate_is_made_once(tmp_path: Path) -> None:
    home, settings = Home(tmp_path), AdvertisingSettings(bus_advertise=URL)
    first = advertise(home, settings, CLOCK)
    assert first is not None
    assert (first.url, first.listener.host, first.listener.port) == (URL, "0.0.0.0", 4443)
    assert first.fingerprint == fingerprint_of(home.bus_certificate)
    assert advertise(home, settings, CLOCK) == first
    for path in (home.bus_certificate, home.bus_key):
        assert path.stat().st_mode & 0o777 == 0o600


def test_given_files_are_used(tmp_path: Path) -> None:
    certificate, key = tmp_path / "a.crt", tmp_path / "a.key"
    for path, content in zip((certificate, key), make_certificate("10.0.0.1", CLOCK), strict=True):
        path.write_bytes(content)
    found = advertise(
        Home(tmp_path),
        AdvertisingSettings(
            bus_advertise="tls://[2001:db8::1]:4443/",
            bus_listen="[::]:4444",
            bus_certificate=str(certificate),
            bus_key=str(key),
        ),
        CLOCK,
    )
    assert found is not None
    assert found.url == "tls://[2001:db8::1]:4443"
    assert (found.listener.host, found.listener.port) == ("[::]", 4444)
    assert (found.listener.certificate, found.listener.key) == (str(certificate), str(key))
    assert found.fingerprint == fingerprint_of(certificate)


@pytest.mark.parametrize(
    "text",
    [
        "bus.example.com:4443",
        "nats://bus.example.com:4443",
        "tls://bus.example.com",
        "tls://:4443",
        "tls://ada:secret@bus.example.com:4443",
        "tls://bus.example.com:4443/path",
        "tls://bus.example.com:99999",
        "tls://[::1:4443",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Rejected, match="SPAWN_BUS_ADVERTISE") as caught:
        read_address(text)
    assert caught.value.field == "SPAWN_BUS_ADVERTISE"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (AdvertisingSettings(bus_advertise=URL, bus_listen="4443"), "SPAWN_BUS_LISTEN"),
        (AdvertisingSettings(bus_advertise=URL, bus_listen="[::"), "SPAWN_BUS_LISTEN"),
        (AdvertisingSettings(bus_advertise=URL, bus_certificate="/no.crt"), "SPAWN_BUS_KEY"),
        (AdvertisingSettings(bus_advertise=URL, bus_key="/no.key"), "SPAWN_BUS_CERTIFICATE"),
        (
            AdvertisingSettings(bus_advertise=URL, bus_certificate="/no", bus_key="/no"),
            "SPAWN_BUS_CERTIFICATE",
        ),
    ],
    ids=["no host", "half an address", "no key", "no certificate", "no such files"],
)
def test_what_can_not_be_used_is_named(
    tmp_path: Path, settings: AdvertisingSettings, field: str
) -> None:
    with pytest.raises(Rejected) as caught:
        advertise(Home(tmp_path), settings, CLOCK)
    assert caught.value.field == field


def test_a_certificate_without_its_own_key_is_refused(tmp_path: Path) -> None:
    certificate, key = tmp_path / "a.crt", tmp_path / "b.key"
    certificate.write_bytes(make_certificate("a", CLOCK)[0])
    key.write_bytes(make_certificate("b", CLOCK)[1])
    settings = AdvertisingSettings(
        bus_advertise=URL, bus_certificate=str(certificate), bus_key=str(key)
    )
    with pytest.raises(Rejected, match="can't be used"):
        advertise(Home(tmp_path), settings, CLOCK)


def test_a_made_certificate_names_its_host() -> None:
    certificate, _ = make_certificate("bus.example.com", CLOCK)
    context = ssl.create_default_context(cadata=certificate.decode())
    (found,) = context.get_ca_certs()
    assert found["subjectAltName"] == (("DNS", "bus.example.com"),)
