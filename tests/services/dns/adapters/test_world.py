"""The key of dynamic updates, as settings name it."""

from pathlib import Path

import pytest

from services.dns.adapters.rfc2136 import Key
from services.dns.adapters.world import signing_key
from services.dns.config import Settings
from spawn.errors import Rejected

SECRET = "b2YgYSB0ZXN0"


@pytest.fixture
def shared(secret: Path) -> Path:
    secret.chmod(0o640)
    return secret


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "tsig"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    return file


def named(name: str, file: str) -> Settings:
    return Settings(dns_tsig_name=name, dns_tsig_file=file)


async def test_a_key_is_a_name_and_a_file(secret: Path) -> None:
    assert await signing_key(named("spawn", str(secret))) == Key("spawn", SECRET, "hmac-sha256")


async def test_without_both_nothing_is_signed() -> None:
    assert (await signing_key(Settings())).name == ""


async def test_half_a_key_is_refused(secret: Path) -> None:
    with pytest.raises(Rejected, match="SPAWN_DNS_TSIG_FILE is not set"):
        await signing_key(named("spawn", ""))
    with pytest.raises(Rejected, match="SPAWN_DNS_TSIG_NAME is not set"):
        await signing_key(named("", str(secret)))


async def test_a_secret_that_others_may_read_is_refused_and_not_shown(shared: Path) -> None:
    with pytest.raises(Rejected, match=r"SPAWN_DNS_TSIG_FILE=.*chmod 600") as refused:
        await signing_key(named("spawn", str(shared)))
    assert SECRET not in refused.value.message


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match=r"SPAWN_DNS_TSIG_FILE=.*FileNotFoundError"):
        await signing_key(named("spawn", str(tmp_path / "none")))
