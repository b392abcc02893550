"""What a call lacks, by botocore's model of its service.

moto takes for granted that an SDK has checked a call and crashes on what is missing; AWS
answers with an error that names it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationNotFoundError
from moto.core.utils import get_service_model

from sandbox.errors import AwsError
from sandbox.request import Call

_MODEL_NAMES = {"monitoring": "cloudwatch", "email": "ses"}


def json_object(call: Call) -> dict[str, Any]:
    """Return the parameters of a JSON call. Raises `AwsError` when they are no object."""
    if not call.body:
        return {}
    try:
        return msgspec.json.decode(call.body, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise AwsError("SerializationException", f"The body is no JSON object: {error}") from error


def explain(call: Call) -> AwsError | None:
    """Return the error for what a call lacks or has of the wrong type, None when it is whole."""
    try:
        model: Any = get_service_model(_MODEL_NAMES.get(call.service, call.service))
        shape = model.operation_model(call.action).input_shape
    except (UnknownServiceError, OperationNotFoundError):
        return None
    if shape is None:
        return None
    if call.protocol == "json":
        return _check(shape, json_object(call), "ValidationException")
    if call.protocol in {"ec2", "query"}:
        return _check_form(shape, call.form)
    return None


_PYTHON = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "list": list,
    "map": dict,
    "structure": dict,
}


def _check(shape: Any, given: Mapping[str, Any], code: str) -> AwsError | None:
    for name in shape.required_members:
        if name not in given:
            return AwsError(code, f"Missing required parameter: {name}")
    for name, value in given.items():
        member = shape.members.get(name)
        if member is not None and not isinstance(value, _PYTHON.get(member.type_name, object)):
            return AwsError(code, f"{name} must be of type {member.type_name}")
    return None


def _check_form(shape: Any, form: Mapping[str, str]) -> AwsError | None:
    for name in shape.required_members:
        wire = str(shape.members[name].serialization.get("name", name))
        stem = wire[:1].upper() + wire[1:]
        if not any(
            key in {name, stem} or key.startswith((f"{name}.", f"{stem}.")) for key in form
        ):
            return AwsError("MissingParameter", f"The request must contain the parameter {name}")
    return None
