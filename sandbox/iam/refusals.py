"""Refusals in AWS's words.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from sandbox.errors import AwsError
from sandbox.iam.evaluator import Decision, Question
from sandbox.iam.principals import Principal
from sandbox.request import Call

_FORBIDDEN = 403


def refused(call: Call, principal: Principal, question: Question, decision: Decision) -> AwsError:
    """Return the error for a call that policies do not allow."""
    return denied(call, _said(principal, question, _because(question, decision)))


def denied(call: Call, text: str) -> AwsError:
    """Return the error with the code that the service has for it."""
    if call.service == "ec2":
        first = "You are not authorized to perform this operation. "
        return AwsError("UnauthorizedOperation", f"{first}{text}", status=_FORBIDDEN)
    if call.service == "sns":
        return AwsError("AuthorizationError", text, status=_FORBIDDEN)
    if call.protocol == "json":
        return AwsError("AccessDeniedException", text)
    return AwsError("AccessDenied", text, status=_FORBIDDEN)


def untrusted(call: Call, principal: Principal, role: str) -> AwsError:
    """Return the error for a role that does not trust who wants it."""
    text = (
        f"User: {principal.arn} is not authorized to perform: sts:AssumeRole on resource: {role}"
    )
    return denied(call, text)


def anonymous(call: Call) -> AwsError:
    """Return the error for a call that nobody has signed."""
    if call.service in {"s3", ""}:
        return AwsError("AccessDenied", "Access Denied", status=_FORBIDDEN)
    return AwsError(
        "MissingAuthenticationToken", "Request is missing Authentication Token", status=_FORBIDDEN
    )


def _said(principal: Principal, question: Question, because: str) -> str:
    return (
        f"User: {principal.arn} is not authorized to perform: {question.action} on resource: "
        f"{question.resource} {because}"
    )


def _because(question: Question, decision: Decision) -> str:
    article = "an" if decision.layer.startswith("i") else "a"
    if decision.verdict == "explicit deny":
        return f"with an explicit deny in {article} {decision.layer}"
    return f"because no {decision.layer} allows the {question.action} action"
