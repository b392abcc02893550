"""Services whose calls name one kind of resource by one parameter.

By their pages of the service authorization reference. A call that isn't known here is asked for
on `*`: only a policy that names no resource allows it.
"""

from collections.abc import Iterable

import msgspec

from sandbox.iam.evaluator import Question
from sandbox.iam.questions.asking import Asking, Values, question
from sandbox.iam.questions.finders import FINDERS
from sandbox.iam.questions.keys import aliases_of

_RENAMED = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
    "lambda:Invoke": "lambda:InvokeFunction",
}
_PREFIXES = {"monitoring": "cloudwatch"}
"""Names in policies of services that sign with another one."""


def ask(asking: Asking) -> Iterable[Question]:
    """Yield what a call asks for."""
    call = asking.call
    action = f"{_PREFIXES.get(call.service, call.service)}:{call.action or call.method}"
    finder = FINDERS.get(call.service)
    found = dict.fromkeys(finder(asking)) if finder is not None else {}
    for arn in found or ("*",):
        asked = question(_RENAMED.get(action, action), arn, _context(asking, arn))
        yield msgspec.structs.replace(asked, also=_also(arn))


def _context(asking: Asking, arn: str) -> dict[str, Values]:
    service = asking.call.service
    here: dict[str, Values] = {"aws:requestedregion": (str(asking.call.region),)}
    if service == "monitoring":
        namespace = asking.text("Namespace")
        return {**here, "cloudwatch:namespace": (namespace,)} if namespace else here
    if service == "kms":
        return {**here, "kms:resourcealiases": aliases_of(asking, arn)}
    return here


def _also(arn: str) -> tuple[str, ...]:
    """Return other spellings: a log group's ARN ends with `:*` in most policies, not in all.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    """
    if ":log-group:" in arn and ":log-stream:" not in arn:
        return (f"{arn}:*", f"{arn}:log-stream:")
    return ()
