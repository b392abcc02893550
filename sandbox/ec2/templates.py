"""Launch templates: their data stands under the parameters of the call itself."""

from typing import Any

from moto.core.types import Base64EncodedString
from moto.ec2.exceptions import EC2ClientError

from sandbox.ec2.region import RegionState
from sandbox.errors import AwsError


def with_template(region: RegionState, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with those of the launch template that they name, if any.

    Raises `AwsError` for a template or version that does not exist.
    """
    named = parameters.get("LaunchTemplate")
    if not named:
        return parameters
    if not named.get("LaunchTemplateId") and not named.get("LaunchTemplateName"):
        raise AwsError(
            "MissingParameter",
            "The request must contain the parameter LaunchTemplateId or LaunchTemplateName",
        )
    try:
        version = region.backend._get_template_from_args(named)  # noqa: SLF001  moto's only look-up by name or id
    except EC2ClientError as error:
        raise AwsError(error.code, error.message) from error
    data = {k: _plain(v) for k, v in version.data.items() if v is not None}
    given = {k: v for k, v in parameters.items() if k != "LaunchTemplate"}
    return {**data, **given}


def _plain(value: Any) -> Any:
    """Return a template's value as a call would carry it: moto wraps user-data."""
    return str(value) if isinstance(value, Base64EncodedString) else value
