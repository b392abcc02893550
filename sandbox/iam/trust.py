"""Whom a role trusts to assume it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

from sandbox.iam.conditions import holds
from sandbox.iam.policy import Principal as Named
from sandbox.iam.policy import Statement, parse_policy
from sandbox.iam.principals import Principal, role_named
from sandbox.iam.refusals import untrusted
from sandbox.request import Call

_ASSUME = "sts:assumerole"


def check_trust(call: Call, principal: Principal) -> None:
    """Raise `AwsError` unless the role that a call wants to assume trusts who wants it."""
    arn = call.form.get("RoleArn", "")
    account = (arn.split(":") + [""] * 5)[4]
    role = role_named(account, arn.rpartition("/")[2]) if account else None
    if role is None or str(role.arn) != arn:
        raise untrusted(call, principal, arn)
    trust = parse_policy(str(role.assume_role_policy_document), f"trust of {role.name}")
    external = call.form.get("ExternalId", "")
    context = {**principal.context, **({"sts:externalid": (external,)} if external else {})}
    said = [
        statement.allows
        for statement in trust.statements
        if _speaks_of(statement, principal)
        and all(holds(condition, context) for condition in statement.conditions)
    ]
    if not said or not all(said):
        raise untrusted(call, principal, arn)


def _speaks_of(statement: Statement, principal: Principal) -> bool:
    named = any(each.lower() in {_ASSUME, "sts:*", "*"} for each in statement.action.patterns)
    return named and any(_is(each, principal) for each in statement.principals)


def _is(named: Named, principal: Principal) -> bool:
    if named.value == "*":
        return named.kind in {"AWS", "*"}
    account = {principal.account, f"arn:aws:iam::{principal.account}:root"}
    return named.kind == "AWS" and named.value in {principal.arn, principal.of, *account}
