"""Prints the policy of a service, or the boundary, with everything in it that IAM wants to know.

    python scripts/service_policy.py launcher --account 123456789012 --deployment team-a

The policies are the files of docs/iam/.
"""

import argparse
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLICIES = Path(__file__).resolve().parent.parent / "docs" / "iam"
_ALLOWED_ROLES = "SPAWN_IAM_ALLOWED_ROLES"
_PASSES = "iam:PassRole"


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the words in braces stand for. `zone` and `base` are of the dns service."""

    account: str
    deployment: str
    partition: str = "aws"
    boundary: str = ""
    zone: str = "*"
    base: str = "*"

    @property
    def words(self) -> dict[str, str]:
        """Return the words by name."""
        own = f"arn:{self.partition}:iam::{self.account}:policy/spawn/spawn-boundary"
        return {**vars(self), "boundary": self.boundary or own}


def names() -> list[str]:
    """Return the names of the policies."""
    return sorted(path.stem for path in POLICIES.glob("*.json"))


def render(name: str, place: Place, *, allowed_roles: Iterable[str] = ()) -> str:
    """Return a policy as IAM takes it, with the roles outside of /spawn/ that may be passed."""
    text = (POLICIES / f"{name}.json").read_text()
    for word, value in place.words.items():
        text = text.replace(f"{{{word}}}", value)
    document = json.loads(text)
    if name == "launcher":
        _allow(document, [arn for role in allowed_roles for arn in _arns(role, place)])
    return json.dumps(document, indent=2)


def _allow(document: dict[str, Any], arns: list[str]) -> None:
    for statement in document["Statement"]:
        if arns and statement["Action"] == _PASSES:
            statement["Resource"] = [statement["Resource"], *arns]


def _arns(role: str, place: Place) -> Iterable[str]:
    """Yield the ARNs of a role of this name, under whatever path."""
    stem = f"arn:{place.partition}:iam::{place.account}:role"
    return f"{stem}/{role}", f"{stem}/*/{role}"


def main() -> None:
    """Print one policy."""
    parser = argparse.ArgumentParser(description="Print the IAM policy of a service.")
    parser.add_argument("name", choices=names())
    parser.add_argument("--account", required=True, help="the account's id, 12 digits")
    parser.add_argument("--deployment", required=True, help="as SPAWN_DEPLOYMENT has it")
    parser.add_argument("--partition", default="aws", help="aws, aws-cn or aws-us-gov")
    parser.add_argument("--boundary", default="", help="as SPAWN_IAM_BOUNDARY has it")
    parser.add_argument("--zone", default="*", help="id of the hosted zone, for dns")
    parser.add_argument("--base", default="*", help="domain of the arrays' names, for dns")
    allowed = [each for each in os.environ.get(_ALLOWED_ROLES, "").split(",") if each]
    parser.add_argument(
        "--allowed-role", action="append", default=allowed, help=f"beside {_ALLOWED_ROLES}"
    )
    given = vars(parser.parse_args())
    name, roles = given.pop("name"), given.pop("allowed_role")
    print(render(name, Place(**given), allowed_roles=roles))


if __name__ == "__main__":
    main()
