import pytest

from agent.metadata import Credentials, Instance, Metadata, MetadataError
from tests.agent.imds import serving_imds

ROLE = "iam/security-credentials/"
TEXTS = {"instance-id": "i-1", "local-ipv4": "10.0.0.1", "placement/region": "eu-central-1"}
SECRETS = '{"Code": "Success", "AccessKeyId": "A", "SecretAccessKey": "S", "Token": "T"}'


async def test_a_machine_learns_who_it_is() -> None:
    async with serving_imds(TEXTS) as imds:
        assert await Metadata(imds.url).instance() == Instance("i-1", "10.0.0.1", "eu-central-1")


async def test_a_token_that_has_expired_is_renewed() -> None:
    async with serving_imds(TEXTS) as imds:
        metadata = Metadata(imds.url)
        await metadata.instance()
        imds.token = "another"
        assert await metadata.read("/latest/meta-data/instance-id") == "i-1"


async def test_a_role_has_credentials() -> None:
    async with serving_imds({ROLE: "role", f"{ROLE}role": SECRETS}) as imds:
        assert await Metadata(imds.url).credentials() == Credentials("A", "S", "T")


async def test_a_machine_without_a_role_has_none() -> None:
    async with serving_imds(TEXTS) as imds:
        assert await Metadata(imds.url).credentials() is None


@pytest.mark.parametrize("text", ["", "no JSON", '{"Code": "Failed"}', "[]"])
async def test_unreadable_credentials_are_an_error_that_shows_none(text: str) -> None:
    async with serving_imds({ROLE: "role", f"{ROLE}role": text}) as imds:
        with pytest.raises(MetadataError) as raised:
            await Metadata(imds.url).credentials()
    assert not text or text not in str(raised.value)


async def test_no_service_at_all_is_an_error() -> None:
    with pytest.raises(MetadataError, match=r"127\.0\.0\.1:1: "):
        await Metadata("http://127.0.0.1:1").instance()
