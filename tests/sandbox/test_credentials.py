from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials

from sandbox.credentials import Credentials
from sandbox.errors import AwsError
from sandbox.request import Call, parse
from spawn.clock import SystemClock

KEY, SECRET = "AKIAEXAMPLEKEY000000", "secret/with+signs"
BODY = "Action=GetCallerIdentity&Version=2011-06-15"
FORM = "application/x-www-form-urlencoded; charset=utf-8"


def signed(*, service: str = "sts", secret: str = SECRET, path: str = "/") -> Call:
    request = AWSRequest(
        method="POST",
        url=f"http://127.0.0.1:4000{path}",
        data=BODY,
        headers={"Content-Type": FORM, "Host": "127.0.0.1:4000", "X-Spawn-Nonce": " a   b "},
    )
    SigV4Auth(BotoCredentials(KEY, secret), service, "us-east-1").add_auth(request)
    headers = tuple((str(name), str(value)) for name, value in request.headers.items())
    return parse(method="POST", target=path, headers=headers, body=BODY.encode(), request_id="r")


def presigned(url: str, *, extra: str = "") -> Call:
    request = AWSRequest(method="GET", url=url, headers={"Host": "127.0.0.1:4000"})
    SigV4QueryAuth(BotoCredentials(KEY, SECRET), "sts", "us-east-1").add_auth(request)
    parts = urlsplit(str(request.url))
    target = f"{parts.path or '/'}?{parts.query}{extra}"
    headers = (("Host", "127.0.0.1:4000"),)
    return parse(method="GET", target=target, headers=headers, body=b"", request_id="r")


def verify(call: Call) -> None:
    Credentials(KEY, SECRET, SystemClock()).verify(call)


def code_of(call: Call) -> str:
    with pytest.raises(AwsError) as caught:
        verify(call)
    return caught.value.code


def test_botocores_signature_is_accepted() -> None:
    verify(signed())
    verify(signed(service="route53", path="/2013-04-01/a%20b/c%2Bd"))


def test_botocores_presigned_url_is_accepted() -> None:
    verify(presigned(f"http://127.0.0.1:4000/?{BODY}&Odd=a%20b%2B~c"))


def test_another_secret_is_refused() -> None:
    assert code_of(signed(secret="guess")) == "SignatureDoesNotMatch"
    assert code_of(signed(secret="guess", service="ec2")) == "AuthFailure"


def test_a_changed_request_is_refused() -> None:
    url = f"http://127.0.0.1:4000/?{BODY}"
    assert code_of(presigned(url, extra="&Added=1")) == "SignatureDoesNotMatch"


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(AwsError) as caught:
        Credentials("AKIAOTHER", SECRET, SystemClock()).verify(signed())
    assert (caught.value.code, caught.value.status) == ("InvalidClientTokenId", 403)


def test_an_unsigned_request_is_refused() -> None:
    call = parse(
        method="POST",
        target="/",
        headers=(("Content-Type", FORM),),
        body=BODY.encode(),
        request_id="r",
    )
    assert code_of(call) == "MissingAuthenticationToken"


class Later(SystemClock):
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(minutes=16)  # noqa: TID251  the test's own clock


def test_an_old_signature_is_refused() -> None:
    with pytest.raises(AwsError, match="expired"):
        Credentials(KEY, SECRET, Later()).verify(signed())
