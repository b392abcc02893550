import base64
import hashlib
import json
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from agent.identity import BODY, Audience, prove
from agent.metadata import Credentials
from agent.signing import Post, sign
from services.iam_broker.plan.proofs import Expected, read_proof

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)
CREDENTIALS = Credentials("ASIAEXAMPLEEXAMPLE00", "secret/with+signs", "token==/+")
HEADER = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def proof_of(audience: Audience) -> dict[str, object]:
    token = prove(audience, CREDENTIALS, nonce="n" * 32, now=NOON)
    return json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


@given(audience=HEADER, nonce=HEADER, region=st.sampled_from(["eu-central-1", "us-gov-west-1"]))
def test_signatures_are_those_of_botocore(audience: str, nonce: str, region: str) -> None:
    given_headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "x-spawn-audience": audience,
        "x-spawn-nonce": nonce,
    }
    post = Post(f"https://sts.{region}.amazonaws.com/", BODY, given_headers, region, "sts")
    ours = sign(post, CREDENTIALS, NOON)
    request = AWSRequest("POST", post.url, headers=given_headers, data=BODY)
    request.context["timestamp"] = ours["x-amz-date"]
    signer = SigV4Auth(
        BotoCredentials(CREDENTIALS.key_id, CREDENTIALS.secret, CREDENTIALS.token), "sts", region
    )
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = CREDENTIALS.token
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert ours["authorization"].endswith(f"Signature={signer.signature(text, request)}")


@given(key=st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), min_size=1))
def test_signatures_of_objects_are_those_of_botocore(key: str) -> None:
    empty = hashlib.sha256().hexdigest()
    url = f"https://s3.eu-central-1.amazonaws.com/bucket/{quote(key, safe='/-_.~')}"
    headers = {"x-amz-content-sha256": empty}
    ours = sign(Post(url, "", headers, "eu-central-1", "s3", method="GET"), CREDENTIALS, NOON)
    request = AWSRequest("GET", url, headers=headers)
    request.context["timestamp"] = ours["x-amz-date"]
    signer = S3SigV4Auth(
        BotoCredentials(CREDENTIALS.key_id, CREDENTIALS.secret, CREDENTIALS.token),
        "s3",
        "eu-central-1",
    )
    request.headers["X-Amz-Date"] = ours["x-amz-date"]
    request.headers["X-Amz-Security-Token"] = CREDENTIALS.token
    text = signer.string_to_sign(request, signer.canonical_request(request))
    assert ours["authorization"].endswith(f"Signature={signer.signature(text, request)}")


@pytest.mark.parametrize(
    ("audience", "url"),
    [
        pytest.param(
            Audience("d", "eu-central-1"),
            "https://sts.eu-central-1.amazonaws.com/",
            id="the region's own endpoint",
        ),
        pytest.param(
            Audience("d", "cn-north-1"),
            "https://sts.cn-north-1.amazonaws.com.cn/",
            id="China has another suffix",
        ),
        pytest.param(
            Audience("d", "eu-central-1", "http://127.0.0.1:5000/"),
            "http://127.0.0.1:5000/",
            id="a given endpoint",
        ),
    ],
)
def test_a_proof_says_where_it_may_be_checked(audience: Audience, url: str) -> None:
    assert proof_of(audience)["url"] == url


@pytest.mark.parametrize("endpoint", ["", "http://127.0.0.1:5000"])
def test_the_broker_takes_it_for_a_proof(endpoint: str) -> None:
    token = prove(Audience("d-1", "eu-central-1", endpoint), CREDENTIALS, nonce="n" * 32, now=NOON)
    expected = Expected(deployment="d-1", endpoint=endpoint, now=NOON)
    assert read_proof(token, expected).nonce == "n" * 32


def test_a_proof_is_bound_to_its_audience_and_its_nonce() -> None:
    proof = proof_of(Audience("d-1", "eu-central-1"))
    headers = proof["headers"]
    assert isinstance(headers, dict)
    assert headers["x-spawn-audience"] == "d-1"
    assert headers["x-spawn-nonce"] == "n" * 32
    assert (
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;"
        "x-spawn-audience;x-spawn-nonce," in headers["authorization"]
    )
    assert (proof["v"], proof["body"]) == (1, BODY)
    assert CREDENTIALS.secret not in json.dumps(proof)
