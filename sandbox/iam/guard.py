"""The guard of the front: lets a call through, or refuses it in AWS's words."""

from collections.abc import Callable, Iterable

import msgspec

from sandbox.credentials import UNSIGNED, unknown_key
from sandbox.ec2.cloud import Cloud
from sandbox.iam.evaluator import Decision, Question, decide
from sandbox.iam.principals import Principal, Principals
from sandbox.iam.questions import ec2, identity, launches, names, objects, services, tables
from sandbox.iam.questions.asking import Asking
from sandbox.iam.refusals import anonymous, refused
from sandbox.iam.trust import check_trust
from sandbox.request import Call
from spawn.clock import Clock

Asks = Callable[[Asking], Iterable[Question]]

_ASKED: dict[str, Asks] = {
    "ec2": ec2.ask,
    "iam": identity.ask,
    "sts": identity.ask_sts,
    "s3": objects.ask,
    "route53": names.ask,
    "dynamodb": tables.ask,
}


class Guard:
    """Decides on the calls of IAM's users and roles. Moto's thread only."""

    def __init__(self, cloud: Cloud, clock: Clock) -> None:
        self._cloud = cloud
        self._clock = clock
        self._principals = Principals(clock)

    def check(self, call: Call) -> None:
        """Raise `AwsError` unless its caller may do what `call` asks for."""
        if not call.access_key and call.action in UNSIGNED:
            return
        if not call.access_key:
            raise anonymous(call)
        principal = self._principals.of(call)
        if principal is None:
            raise unknown_key(call)
        asking = Asking(call, self._cloud)
        if call.service == "sts" and call.action == "AssumeRole":
            check_trust(call, principal)
        for question in questions_of(asking):
            decision = self._decide(question, principal)
            if not decision.is_allowed:
                raise refused(call, principal, question, decision)

    def hides(self, call: Call) -> bool:
        """Say whether its caller may not know that what `call` has read is not there."""
        asked = objects.listing_of(Asking(call, self._cloud)) if call.service == "s3" else None
        principal = self._principals.of(call)
        if asked is None or principal is None:
            return False
        return not self._decide(asked, principal).is_allowed

    def _decide(self, question: Question, principal: Principal) -> Decision:
        now = self._clock.now()
        everywhere = {
            "aws:currenttime": (f"{now:%Y-%m-%dT%H:%M:%SZ}",),
            "aws:epochtime": (str(int(now.timestamp())),),
            # AWS's own endpoints have TLS; that this one has none is no reason to refuse.
            "aws:securetransport": ("true",),
            "aws:resourceaccount": (principal.account,),
        }
        context = {**everywhere, **principal.context, **question.context}
        return decide(msgspec.structs.replace(question, context=context), principal.sources)


def questions_of(asking: Asking) -> Iterable[Question]:
    """Yield what a call asks for; every answer must be yes."""
    call = asking.call
    if call.service == "ec2" and call.action == "RunInstances":
        return launches.ask(asking)
    return _ASKED.get(call.service, services.ask)(asking)
