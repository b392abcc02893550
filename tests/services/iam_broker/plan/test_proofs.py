"""Reading proofs: one form is right, and every departure from it is refused unsent."""

import base64
import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from agent.identity import Audience, prove
from agent.metadata import Credentials as RoleCredentials
from services.iam_broker.model import Expected
from services.iam_broker.plan.proofs import LARGEST, read_proof, read_session
from spawn.contracts.identities import PROOF_BODY
from spawn.errors import Rejected
from tests.builders import NOON

EXPECTED = Expected(deployment="ada-1", endpoint="", now=NOON)
ROLE = RoleCredentials(key_id="ASIAEXAMPLEKEY000000", secret="secret", token="token+/=")
NONCE = "0123456789abcdef"
URL = "https://sts.eu-west-1.amazonaws.com/"


def a_proof(region: str = "eu-west-1", endpoint: str = "") -> str:
    return prove(Audience("ada-1", region, endpoint), ROLE, nonce=NONCE, now=NOON)


def opened(token: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


def closed(said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()


def changed(**headers: str) -> str:
    """Return a proof with other headers; `_` stands for `-` in their names."""
    said = opened(a_proof())
    said["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
    return closed(said)


def test_a_machines_proof_is_read() -> None:
    claim = read_proof(a_proof(), EXPECTED)
    assert (claim.region, claim.nonce) == ("eu-west-1", NONCE)
    assert (claim.call.url, claim.call.body) == (URL, PROOF_BODY)
    assert claim.call.headers["x-spawn-audience"] == "ada-1"


def test_a_proof_that_botocore_has_signed_is_read() -> None:
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        "X-Spawn-Audience": "ada-1",
        "X-Spawn-Nonce": NONCE,
        "Host": "sts.eu-west-1.amazonaws.com",
    }
    request = AWSRequest(method="POST", url=URL, data=PROOF_BODY, headers=headers)
    SigV4Auth(Credentials(ROLE.key_id, ROLE.secret, ROLE.token), "sts", "eu-west-1").add_auth(
        request
    )
    sent = {str(name).lower(): str(value) for name, value in request.headers.items()}
    now = msgspec.structs.replace(EXPECTED, now=_date(sent["x-amz-date"]))
    said = {"v": 1, "url": URL, "headers": sent, "body": PROOF_BODY}
    assert read_proof(closed(said), now).nonce == NONCE


def _date(stamp: str) -> Any:
    from tests.fixtures.proving import at  # noqa: PLC0415 - brings boto3, which only this needs

    return at(stamp)


@pytest.mark.parametrize(
    "region", ["us-east-1", "ap-southeast-2", "us-gov-west-1", "cn-north-1"], ids=str
)
def test_every_regions_sts_may_be_asked(region: str) -> None:
    assert read_proof(a_proof(region), EXPECTED).region == region


def test_a_configured_endpoint_is_the_only_one() -> None:
    local = msgspec.structs.replace(EXPECTED, endpoint="http://127.0.0.1:5000")
    token = a_proof("us-east-1", "http://127.0.0.1:5000")
    assert read_proof(token, local).region == "us-east-1"
    with pytest.raises(Rejected, match="endpoint"):
        read_proof(a_proof(), local)
    with pytest.raises(Rejected, match="endpoint"):
        read_proof(token, EXPECTED)


@pytest.mark.parametrize(
    "url",
    [
        "http://sts.eu-west-1.amazonaws.com/",
        "https://sts.eu-west-1.amazonaws.com",
        "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity",
        "https://sts.eu-west-1.amazonaws.com/x",
        "https://sts.eu-west-1.amazonaws.com:444/",
        "https://sts.eu-west-1.amazonaws.com.evil.example/",
        "https://sts.eu-west-1.amazonaws.com@evil.example/",
        "https://evil.example/#sts.eu-west-1.amazonaws.com/",
        "https://sts.evil.amazonaws.com/",
        "https://sts.eu-west-1.evil.com/",
        "https://iam.amazonaws.com/",
        "https://169.254.169.254/",
        "http://127.0.0.1:8222/",
        "file:///etc/passwd",
        "",
    ],
)
def test_no_other_place_is_called(url: str) -> None:
    said = opened(a_proof())
    host = url.partition("://")[2].rstrip("/")
    said["url"], said["headers"]["host"] = url, host or "x"
    with pytest.raises(Rejected, match="endpoint"):
        read_proof(closed(said), EXPECTED)


REFUSED = {
    "another audience": (changed(x_spawn_audience="bob-1"), "deployment"),
    "another host header": (changed(host="evil.example"), "host"),
    "a header more": (changed(x_more="1"), "headers"),
    "an upper-case header": (changed(X_Amz_Date="1"), "headers"),
    "a line break": (changed(x_spawn_nonce="a\r\nHost: evil"), "header holds"),
    "an empty header": (changed(x_amz_security_token=""), "header holds"),
    "beyond ASCII": (changed(x_spawn_audience="ada\u20111"), "header holds"),
    "another content type": (changed(content_type="text/plain"), "content type"),
    "a short nonce": (changed(x_spawn_nonce="abc"), "nonce"),
    "a nonce that is a wildcard": (changed(x_spawn_nonce="nonce.nonce.>.*"), "nonce"),
    "no date": (changed(x_amz_date="20261201T1200Z"), "form|day"),
    "no such date": (changed(x_amz_date="20261201T996000Z"), "none"),
    "another day": (changed(x_amz_date="20261130T235959Z"), "day"),
    "no signature": (changed(authorization="Bearer x"), "endpoint|cover"),
    "another service": (
        changed(
            authorization=opened(a_proof())["headers"]["authorization"].replace("/sts/", "/iam/")
        ),
        "cover",
    ),
    "another region": (
        changed(
            authorization=opened(a_proof())["headers"]["authorization"].replace(
                "eu-west-1", "eu-west-2"
            )
        ),
        "region",
    ),
    "the audience unsigned": (
        changed(
            authorization=opened(a_proof())["headers"]["authorization"].replace(
                ";x-spawn-audience", ""
            )
        ),
        "cover",
    ),
    "another version": (closed({**opened(a_proof()), "v": 2}), "version"),
    "another call": (
        closed({**opened(a_proof()), "body": "Action=AssumeRole&Version=2011-06-15"}),
        "GetCallerIdentity",
    ),
    "a parameter more": (closed({**opened(a_proof()), "body": f"{PROOF_BODY}&a=b"}), "Get"),
    "a field more": (closed({**opened(a_proof()), "method": "GET"}), "decoded"),
    "a list": (closed([]), "decoded"),
    "nothing": ("", "there is none"),
    "too much": ("A" * (LARGEST + 1), "too long"),
    "not base64": ("!!!", "decoded"),
    "deep": (base64.urlsafe_b64encode(b"[" * 10_000).decode(), "decoded"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_departs_is_refused(case: str) -> None:
    token, why = REFUSED[case]
    with pytest.raises(Rejected, match=why) as caught:
        read_proof(token, EXPECTED)
    assert caught.value.code == "BadProof"
    assert "token+" not in caught.value.message


@pytest.mark.parametrize(
    ("minutes", "is_read"), [(-5.01, False), (-5, True), (5, True), (5.01, False)], ids=str
)
def test_a_proof_is_good_for_five_minutes(minutes: float, is_read: bool) -> None:
    now = msgspec.structs.replace(EXPECTED, now=NOON + timedelta(minutes=minutes))
    if is_read:
        read_proof(a_proof(), now)
    else:
        with pytest.raises(Rejected, match="minutes from now"):
            read_proof(a_proof(), now)


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    with pytest.raises(Rejected):
        read_proof(text, EXPECTED)


@given(
    st.fixed_dictionaries(
        {"v": st.just(1), "url": st.text(), "body": st.just(PROOF_BODY)},
    ),
    st.sampled_from(sorted(opened(a_proof())["headers"])),
    st.text(),
)
def test_no_header_breaks_it(said: dict[str, Any], name: str, value: str) -> None:
    headers = {**opened(a_proof())["headers"], name: value}
    with pytest.raises(Rejected):
        read_proof(closed({**said, "headers": headers}), EXPECTED)


ACCOUNT = "123456789012"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/spawn-0123456789abcdef/i-0123456789abcdef0"


def test_a_session_names_role_and_instance() -> None:
    found = read_session(ACCOUNT, SESSION, ours=ACCOUNT)
    assert (found.role, found.instance_id) == ("spawn-0123456789abcdef", "i-0123456789abcdef0")


@pytest.mark.parametrize(
    ("account", "arn"),
    [
        ("999999999999", SESSION),
        (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ada"),
        (ACCOUNT, SESSION.replace("spawn-0123456789abcdef", "admin")),
        (ACCOUNT, SESSION.replace("i-0123456789abcdef0", "ada")),
        (ACCOUNT, SESSION.replace("i-0123456789abcdef0", "i-0123456789abcdef0/x")),
        (ACCOUNT, f"{SESSION}\n"),
        (ACCOUNT, ""),
    ],
)
def test_anybody_else_is_no_machine(account: str, arn: str) -> None:
    with pytest.raises(Rejected, match="not that of an instance"):
        read_session(account, arn, ours=ACCOUNT)
