"""AWS's error codes, translated into the four outcomes: a pure table.

Codes: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
"""

import re
from http import HTTPStatus

import botocore.exceptions as vendor
from botocore.parsers import ResponseParserError

from spawn.errors import Cause, Conflict, NotFound, Outcome, Rejected, Transient

LONGEST_MESSAGE = 600
"""Characters of AWS's own text that are kept; some texts carry an encoded policy decision."""

_CAUSES: dict[Cause, frozenset[str]] = {
    Cause.THROTTLED: frozenset({
        "RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException",
        "EC2ThrottledException", "RequestThrottled", "RequestThrottledException",
        "TooManyRequestsException", "SlowDown", "PriorRequestNotComplete",
        "BandwidthLimitExceeded",
    }),
    Cause.INTERNAL: frozenset({
        "InternalError", "InternalFailure", "ServerInternal", "InternalServerError",
        "ServiceUnavailable", "Unavailable", "ConcurrentTagAccess", "IDPCommunicationError",
        "OperationAborted", "ConcurrentModification", "EntityTemporarilyUnmodifiable",
        "ConcurrentModificationException", "AWS.SimpleQueueService.QueueDeletedRecently",
        "QueueDeletedRecently",
    }),
    Cause.CAPACITY: frozenset({
        "InsufficientInstanceCapacity", "InsufficientCapacity", "InsufficientHostCapacity",
        "InsufficientReservedInstanceCapacity", "UnfulfillableCapacity", "Unsupported",
        "ReservationCapacityExceeded", "SpotMaxPriceTooLow", "InsufficientFreeAddressesInSubnet",
    }),
    Cause.QUOTA: frozenset({
        "VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded",
        "MaxFleetCountExceeded", "MaxSpotFleetRequestCountExceeded", "VolumeLimitExceeded",
        "MaxIOPSLimitExceeded", "MaxConfigLimitExceededException", "TagLimitExceeded",
        "AddressLimitExceeded", "NetworkInterfaceLimitExceeded", "SecurityGroupLimitExceeded",
        "RulesPerSecurityGroupLimitExceeded", "SecurityGroupsPerInstanceLimitExceeded",
        "SecurityGroupsPerInterfaceLimitExceeded", "ResourceLimitExceeded", "LimitExceeded",
    }),
    Cause.PERMISSION: frozenset({
        "UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "AuthFailure",
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted", "Blocked", "OptInRequired",
        "PendingVerification", "OperationNotPermitted", "InvalidClientTokenId",
        "UnrecognizedClientException", "SignatureDoesNotMatch", "IncompleteSignature",
        "MissingAuthenticationToken", "ExpiredToken", "ExpiredTokenException", "RequestExpired",
        "TagPolicyViolation", "UnmodifiableEntity", "403",
    }),
    Cause.EXISTS: frozenset({
        "IdempotentParameterMismatch", "InvalidGroup.Duplicate", "InvalidPermission.Duplicate",
        "InvalidKeyPair.Duplicate", "EntityAlreadyExists", "ResourceInUse", "DependencyViolation",
        "IncorrectInstanceState", "IncorrectState", "BucketAlreadyExists",
        "BucketAlreadyOwnedByYou", "DeleteConflict", "QueueAlreadyExists", "QueueNameExists",
    }),
    Cause.ABSENT: frozenset({
        "ParameterNotFound", "NoSuchEntity", "InvalidAMIID.Unavailable",
        "NoSuchBucket", "NoSuchKey", "NoSuchHostedZone", "NoSuchChange", "404",
        "AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist",
    }),
}  # fmt: skip
_CAUSE_OF = {code: cause for cause, codes in _CAUSES.items() for code in codes}

_PASSING = frozenset({Cause.THROTTLED, Cause.INTERNAL, Cause.CAPACITY, Cause.PROPAGATING})

_BURNT_TOKEN = "IdempotentInstanceTerminated"  # noqa: S105 - AWS's code, not a secret
"""All instances of the token's reservation are gone and no call with it ever makes more
(https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html)."""

_PROPAGATING = ("Invalid IAM Instance Profile", "has no associated IAM Roles")
"""EC2's texts, under InvalidParameterValue, for a profile or role that it does not see yet."""

_QUOTAS = {
    "VcpuLimitExceeded": "Running On-Demand instances (vCPUs) of this instance family",
    "InstanceLimitExceeded": "Running On-Demand instances",
    "MaxSpotInstanceCountExceeded": "All Spot Instance Requests (vCPUs) of this instance family",
    "VolumeLimitExceeded": "Storage for volumes of this type",
    "MaxIOPSLimitExceeded": "IOPS for volumes of this type",
    "AddressLimitExceeded": "EC2-VPC Elastic IPs",
    "NetworkInterfaceLimitExceeded": "Network interfaces per Region",
    "SecurityGroupLimitExceeded": "VPC security groups per Region",
    "RulesPerSecurityGroupLimitExceeded": "Inbound or outbound rules per security group",
    "SecurityGroupsPerInstanceLimitExceeded": "Security groups per network interface",
    "SecurityGroupsPerInterfaceLimitExceeded": "Security groups per network interface",
}
"""Names as Service Quotas shows them
(https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html)."""

_ADVICE = {
    "AuthFailure.ServiceLinkedRoleCreationNotPermitted": (
        "create the role once: aws iam create-service-linked-role"
        " --aws-service-name spot.amazonaws.com"
    ),
    "OptInRequired": "subscribe to the image's terms, or enable the region, in the AWS console",
    "PendingVerification": "AWS is verifying the account; try again later or ask AWS support",
    "Blocked": "the account is blocked; ask AWS support",
    "ExpiredToken": "the AWS credentials have expired; renew them",
    "ExpiredTokenException": "the AWS credentials have expired; renew them",
    "RequestExpired": "the AWS credentials have expired or this machine's clock is wrong",
    "SignatureDoesNotMatch": "the secret key is wrong or this machine's clock is",
    "InvalidClientTokenId": "AWS does not know the access key; check the credentials in use",
    "UnrecognizedClientException": "AWS does not know the access key; check the credentials",
    "AuthFailure": "AWS does not accept the credentials in use, or for this resource",
    "OperationNotPermitted": "the instance is protected; turn off its API termination protection",
    "InvalidAMIID.NotFound": "images belong to one region; name one of this region",
    "InvalidAMIID.Unavailable": "the image is not usable (any more); name another one",
    "InsufficientFreeAddressesInSubnet": "use a subnet with more free addresses",
}

_UNKNOWN = (vendor.HTTPClientError, vendor.ConnectionError, ResponseParserError, OSError)
"""What may be raised after AWS has taken the call."""

_UNSAYABLE = re.compile(
    r"\.?\s*(?:Encoded authorization failure message:|The Canonical String for this request).*",
    re.DOTALL,
)
"""What AWS adds to some texts: an encoded policy decision, and, to a signature that is wrong,
the request's headers, a session token among them."""

_ACTION = re.compile(r"not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9]+)")


def outcome_of(code: str, message: str, *, status: int = 400, api: str = "") -> Outcome:
    """Return what an AWS error means; `status` decides what a code that is not listed means."""
    text = _UNSAYABLE.sub("", message).strip()[:LONGEST_MESSAGE]
    cause = _cause(code, text, status)
    said = f"{api}: {text} ({code})" if api else f"{text} ({code})"
    if cause in _PASSING:
        return Transient(_advised(said, code), code=code, cause=cause)
    if cause is Cause.ABSENT and code != _BURNT_TOKEN:
        return NotFound(_advised(said, code), code=code)
    if cause in {Cause.ABSENT, Cause.EXISTS}:
        return Conflict(said, code=code, cause=cause)
    return Rejected(_refusal(said, code, cause, api), code=code, cause=cause)


def translate(error: Exception, *, api: str = "") -> Outcome:
    """Return the outcome for what a client raised; `error` itself when it is one already."""
    if isinstance(error, Outcome):
        return error
    if isinstance(error, vendor.ClientError):
        answer = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
        code, message = answer.get("Code", "Unknown"), answer.get("Message", "no text")
        return outcome_of(code, message, status=status, api=api)
    return _without_answer(error, api)


def _without_answer(error: Exception, api: str) -> Outcome:
    code = type(error).__name__
    # botocore puts the whole unreadable answer into its text.
    text = "unreadable answer" if isinstance(error, ResponseParserError) else str(error)
    said = f"{api}: {text[:LONGEST_MESSAGE]}" if api else text[:LONGEST_MESSAGE]
    if isinstance(error, (vendor.NoCredentialsError, vendor.PartialCredentialsError)):
        return Rejected(
            f"{said}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
            code=code,
            cause=Cause.PERMISSION,
        )
    if isinstance(error, (vendor.CredentialRetrievalError, vendor.TokenRetrievalError)):
        return Rejected(said, code=code, cause=Cause.PERMISSION)
    if isinstance(error, (vendor.EndpointConnectionError, vendor.ConnectTimeoutError)):
        return Transient(f"{said}; the call was not made", code=code)
    if isinstance(error, _UNKNOWN):
        return Transient(f"{said}; whether the call was performed is unknown", code=code)
    if isinstance(error, vendor.BotoCoreError):
        return Rejected(said, code=code)
    raise error


def _cause(code: str, text: str, status: int) -> Cause:
    if any(part in text for part in _PROPAGATING) and code.startswith("InvalidParameter"):
        return Cause.PROPAGATING
    if code in _CAUSE_OF:
        return _CAUSE_OF[code]
    if code == _BURNT_TOKEN or code.endswith((".NotFound", "NotFoundException")):
        return Cause.ABSENT
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Cause.THROTTLED
    return Cause.INTERNAL if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Cause.INVALID


def _advised(said: str, code: str) -> str:
    return f"{said}; {_ADVICE[code]}" if code in _ADVICE else said


def _refusal(said: str, code: str, cause: Cause, api: str) -> str:
    if cause is Cause.QUOTA:
        name = _QUOTAS.get(code, code)
        return f'{said}; ask for more of the quota "{name}" in Service Quotas, or launch fewer'
    if cause is not Cause.PERMISSION or code in _ADVICE:
        return _advised(said, code)
    named = _ACTION.search(said)
    action = named.group(1) if named else api
    return f"{said}; allow the action {action} to the credentials in use" if action else said
