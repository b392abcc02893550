import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from spawn.aws.errors import LONGEST_MESSAGE, outcome_of, translate
from spawn.errors import Cause, Conflict, NotFound, Outcome, Rejected, Transient

TABLE = [
    ("RequestLimitExceeded", 503, Transient, Cause.THROTTLED),
    ("EC2ThrottledException", 400, Transient, Cause.THROTTLED),
    ("Throttling", 400, Transient, Cause.THROTTLED),
    ("ThrottlingException", 400, Transient, Cause.THROTTLED),
    ("SomethingNew", 429, Transient, Cause.THROTTLED),
    ("InternalError", 500, Transient, Cause.INTERNAL),
    ("InternalFailure", 500, Transient, Cause.INTERNAL),
    ("ServerInternal", 500, Transient, Cause.INTERNAL),
    ("ServiceUnavailable", 503, Transient, Cause.INTERNAL),
    ("Unavailable", 503, Transient, Cause.INTERNAL),
    ("ConcurrentTagAccess", 400, Transient, Cause.INTERNAL),
    ("SomethingNew", 500, Transient, Cause.INTERNAL),
    ("InsufficientInstanceCapacity", 500, Transient, Cause.CAPACITY),
    ("UnfulfillableCapacity", 400, Transient, Cause.CAPACITY),
    ("Unsupported", 400, Transient, Cause.CAPACITY),
    ("ReservationCapacityExceeded", 400, Transient, Cause.CAPACITY),
    ("SpotMaxPriceTooLow", 400, Transient, Cause.CAPACITY),
    ("InsufficientFreeAddressesInSubnet", 400, Transient, Cause.CAPACITY),
    ("VcpuLimitExceeded", 400, Rejected, Cause.QUOTA),
    ("MaxSpotInstanceCountExceeded", 400, Rejected, Cause.QUOTA),
    ("InstanceLimitExceeded", 400, Rejected, Cause.QUOTA),
    ("MaxFleetCountExceeded", 400, Rejected, Cause.QUOTA),
    ("SecurityGroupLimitExceeded", 400, Rejected, Cause.QUOTA),
    ("UnauthorizedOperation", 403, Rejected, Cause.PERMISSION),
    ("AuthFailure", 401, Rejected, Cause.PERMISSION),
    ("AuthFailure.ServiceLinkedRoleCreationNotPermitted", 403, Rejected, Cause.PERMISSION),
    ("AccessDenied", 403, Rejected, Cause.PERMISSION),
    ("PendingVerification", 400, Rejected, Cause.PERMISSION),
    ("OptInRequired", 401, Rejected, Cause.PERMISSION),
    ("TagPolicyViolation", 400, Rejected, Cause.PERMISSION),
    ("ExpiredToken", 400, Rejected, Cause.PERMISSION),
    ("OperationNotPermitted", 400, Rejected, Cause.PERMISSION),
    ("InvalidParameterValue", 400, Rejected, Cause.INVALID),
    ("InvalidParameterCombination", 400, Rejected, Cause.INVALID),
    ("InvalidUserData.Malformed", 400, Rejected, Cause.INVALID),
    ("InvalidAMIID.Malformed", 400, Rejected, Cause.INVALID),
    ("UnsupportedHibernationConfiguration", 400, Rejected, Cause.INVALID),
    ("SomethingNew", 400, Rejected, Cause.INVALID),
    ("InvalidAMIID.NotFound", 400, NotFound, Cause.ABSENT),
    ("InvalidInstanceID.NotFound", 400, NotFound, Cause.ABSENT),
    ("InvalidSubnetID.NotFound", 400, NotFound, Cause.ABSENT),
    ("InvalidGroup.NotFound", 400, NotFound, Cause.ABSENT),
    ("ParameterNotFound", 400, NotFound, Cause.ABSENT),
    ("NoSuchEntity", 404, NotFound, Cause.ABSENT),
    ("IdempotentParameterMismatch", 400, Conflict, Cause.EXISTS),
    ("IdempotentInstanceTerminated", 400, Conflict, Cause.ABSENT),
    ("InvalidGroup.Duplicate", 400, Conflict, Cause.EXISTS),
    ("InvalidPermission.Duplicate", 400, Conflict, Cause.EXISTS),
]


@pytest.mark.parametrize(("code", "status", "kind", "cause"), TABLE)
def test_code_means(code: str, status: int, kind: type[Outcome], cause: Cause) -> None:
    outcome = outcome_of(code, "what AWS said", status=status, api="RunInstances")
    assert (type(outcome), outcome.cause, outcome.code) == (kind, cause, code)
    assert outcome.message.startswith(f"RunInstances: what AWS said ({code})")


@pytest.mark.parametrize(
    "text",
    [
        (
            "Value (spawn-1) for parameter iamInstanceProfile.name is invalid."
            " Invalid IAM Instance Profile name"
        ),
        (
            "Value (arn:aws:iam::1:instance-profile/x) for parameter iamInstanceProfile.arn is"
            " invalid. Invalid IAM Instance Profile ARN"
        ),
        "IAM Instance Profile arn:aws:iam::1:instance-profile/x has no associated IAM Roles",
    ],
)
def test_a_profile_that_ec2_does_not_see_yet_is_awaited(text: str) -> None:
    outcome = outcome_of("InvalidParameterValue", text)
    assert isinstance(outcome, Transient)
    assert outcome.cause is Cause.PROPAGATING


def test_a_refused_action_is_named_without_the_encoded_decision() -> None:
    outcome = outcome_of(
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. User: arn:aws:iam::1:user/x is not"
        " authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:::instance/*."
        " Encoded authorization failure message: q83vEjRWeJA",
        status=403,
        api="RunInstances",
    )
    assert "allow the action ec2:RunInstances" in outcome.message
    assert "q83vEjRWeJA" not in outcome.message


def test_a_refused_action_that_aws_does_not_name_is_the_call_itself() -> None:
    outcome = outcome_of("UnauthorizedOperation", "no", status=403, api="CreateTags")
    assert outcome.message.endswith("allow the action CreateTags to the credentials in use")


@pytest.mark.parametrize(
    ("code", "quota"),
    [
        ("VcpuLimitExceeded", "Running On-Demand instances (vCPUs)"),
        ("MaxSpotInstanceCountExceeded", "All Spot Instance Requests"),
        ("SomethingLimitExceeded", None),
        ("ResourceLimitExceeded", '"ResourceLimitExceeded"'),
    ],
)
def test_a_quota_is_named_with_what_to_do(code: str, quota: str | None) -> None:
    outcome = outcome_of(code, "too many")
    assert (quota or "too many") in outcome.message
    assert ("Service Quotas" in outcome.message) == (quota is not None)


def test_a_long_text_is_cut() -> None:
    assert len(outcome_of("X", "y" * 10_000).message) < LONGEST_MESSAGE + 20


@pytest.mark.parametrize(
    ("error", "kind", "cause", "words"),
    [
        (
            EndpointConnectionError(endpoint_url="http://x"),
            Transient,
            Cause.UNREACHABLE,
            "not made",
        ),
        (ConnectTimeoutError(endpoint_url="http://x"), Transient, Cause.UNREACHABLE, "not made"),
        (ReadTimeoutError(endpoint_url="http://x"), Transient, Cause.UNREACHABLE, "unknown"),
        (ConnectionClosedError(endpoint_url="http://x"), Transient, Cause.UNREACHABLE, "unknown"),
        (ResponseParserError("<html>secret"), Transient, Cause.UNREACHABLE, "unknown"),
        (ConnectionResetError("gone"), Transient, Cause.UNREACHABLE, "unknown"),
        (NoCredentialsError(), Rejected, Cause.PERMISSION, "AWS_PROFILE"),
        (NoRegionError(), Rejected, Cause.INVALID, "region"),
        (ParamValidationError(report="bad"), Rejected, Cause.INVALID, "bad"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_without_an_answer(
    error: Exception, kind: type[Outcome], cause: Cause, words: str
) -> None:
    outcome = translate(error, api="RunInstances")
    assert (type(outcome), outcome.cause) == (kind, cause)
    assert words in outcome.message
    assert "secret" not in outcome.message


def test_a_client_error_is_read_by_code_text_and_status() -> None:
    error = ClientError(
        {
            "Error": {"Code": "New", "Message": "text"},
            "ResponseMetadata": {
                "HTTPStatusCode": 503,
                "RequestId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
                "HostId": "",
            },
        },
        "RunInstances",
    )
    outcome = translate(error, api="RunInstances")
    assert isinstance(outcome, Transient)
    assert outcome.message == "RunInstances: text (New)"


def test_an_outcome_stays_what_it_is() -> None:
    outcome = NotFound("gone")
    assert translate(outcome) is outcome


def test_a_defect_is_not_an_outcome() -> None:
    with pytest.raises(ZeroDivisionError):
        translate(ZeroDivisionError())


def test_a_wrong_signature_does_not_tell_what_was_signed() -> None:
    text = (
        "The request signature we calculated does not match the signature you provided."
        " Check your AWS Secret Access Key and signing method.\n\n"
        "The Canonical String for this request should have been\n'POST\n/\n\n"
        "host:sts.amazonaws.com\nx-amz-security-token:FwoGZXIvYXdzEBY\n'"
    )
    outcome = outcome_of("SignatureDoesNotMatch", text, status=403, api="GetCallerIdentity")
    assert "FwoGZXIvYXdzEBY" not in outcome.message
    assert "Check your AWS Secret Access Key" in outcome.message
