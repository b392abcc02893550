"""Roles that a call hands to a service: `iam:PassRole`.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
"""

from collections.abc import Iterable
from typing import Any

from moto.iam.models import iam_backends

from sandbox.iam.evaluator import Question
from sandbox.iam.questions.asking import Asking, question


def profile_of(asking: Asking, *, name: str = "", arn: str = "") -> Any:
    """Return moto's instance profile by name or ARN, None when there is none."""
    profiles: dict[str, Any] = iam_backends[asking.call.account]["aws"].instance_profiles
    for profile in profiles.values():
        if profile.arn == arn or (not arn and profile.name == name):
            return profile
    return None


def pass_role(asking: Asking, profile: Any) -> Iterable[Question]:
    """Yield the question for the role of a profile that EC2 is given."""
    for role in profile.roles if profile is not None else ():
        yield passing(asking, str(role.arn), instances=str(asking.call.region))


def passing(asking: Asking, role_arn: str, *, instances: str) -> Question:
    """Return the question for a role that instances of a region are to have."""
    context = {
        "iam:passedtoservice": ("ec2.amazonaws.com",),
        "iam:associatedresourcearn": (
            f"arn:aws:ec2:{instances}:{asking.call.account}:instance/*",
        ),
    }
    return question("iam:PassRole", role_arn, context)
