"""Which operation a REST call is, and whether its region exists.

REST protocols name the operation by method and path only; botocore's model of the service says
which it is.
"""

from typing import Any, NamedTuple

from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.ec2.models import ec2_backends
from werkzeug.exceptions import NotFound

from sandbox.errors import AwsError
from sandbox.request import DEFAULT_ACCOUNT, Call
from sandbox.wsgi import environ

_NO_REGION = frozenset({"aws-global", "aws", ""})
_ROUTED = frozenset({"lambda", "route53", "s3"})


class Routed(NamedTuple):
    """A REST operation, and what its path names."""

    operation: str
    named: dict[str, Any]


def operation_of(call: Call) -> str:
    """Return the name of a REST operation, empty when it can't be told."""
    return route(call).operation


def route(call: Call) -> Routed:
    """Return a REST operation with the parameters of its path; empty when it can't be told."""
    if call.service not in _ROUTED:
        return Routed("", {})
    try:
        operation, named = get_service_router(call.service).match(Request(environ(call)))
    except NotFound:
        return Routed("", {})
    return Routed(str(operation.name), named)


def check_region(call: Call) -> None:
    """Raise `AwsError` for a region that AWS does not have."""
    if call.region in _NO_REGION or call.region in ec2_backends[DEFAULT_ACCOUNT]:
        return
    raise AwsError("InvalidParameterValue", f"The region '{call.region}' does not exist")
