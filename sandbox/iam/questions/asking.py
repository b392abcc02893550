"""How questions are made of a call: ARNs, tags, and conditions that every question has."""

from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from sandbox.ec2.cloud import Cloud
from sandbox.ec2.region import RegionState
from sandbox.errors import AwsError
from sandbox.iam.evaluator import Question
from sandbox.request import Call
from sandbox.validation import json_object

Values = tuple[str, ...]


class Asking(msgspec.Struct, frozen=True):
    """One call, and the cloud in which it names resources."""

    call: Call
    cloud: Cloud

    @property
    def region(self) -> RegionState:
        """The region that the call is for."""
        return self.cloud.region(self.call.account, self.call.region)

    def arn(self, service: str, resource: str, *, owned: bool = True) -> str:
        """Return an ARN in the call's region; `owned` by the account, or by nobody named."""
        account = self.call.account if owned else ""
        return f"arn:aws:{service}:{self.call.region}:{account}:{resource}"

    def global_arn(self, service: str, resource: str, *, owned: bool = True) -> str:
        """Return an ARN without a region."""
        return f"arn:aws:{service}::{self.call.account if owned else ''}:{resource}"

    def parameters(self) -> Mapping[str, Any]:
        """Return the parameters of a JSON or a query call."""
        return json_object(self.call) if self.call.protocol == "json" else self.call.form

    def text(self, name: str) -> str:
        """Return a parameter that is a text; empty when it is missing or something else."""
        value = self.parameters().get(name, "")
        return value if isinstance(value, str) else ""


def texts_of(body: bytes) -> Iterable[tuple[str, str]]:
    """Yield the elements of an XML body, without their namespaces, with their texts.

    Raises `AwsError` MalformedXML.
    """
    try:
        root = ET.fromstring(body)  # noqa: S314  expat itself refuses bombs, and fetches nothing
    except ET.ParseError as error:
        text = "The XML you provided was not well-formed"
        raise AwsError("MalformedXML", text) from error
    for element in root.iter():
        yield element.tag.rpartition("}")[2], element.text or ""


def question(
    action: str, resource: str = "*", context: Mapping[str, Values] | None = None
) -> Question:
    """Return a question; the names of its conditions in any case."""
    lowered = {key.lower(): values for key, values in (context or {}).items()}
    return Question(action=action, resource=resource, context=lowered)


def requested(tags: Mapping[str, str]) -> dict[str, Values]:
    """Return the conditions of tags that a call sets."""
    if not tags:
        return {}
    keys = {f"aws:requesttag/{key.lower()}": (value,) for key, value in tags.items()}
    return {**keys, "aws:tagkeys": tuple(tags)}


def carried(tags: Mapping[str, str], *, service: str = "") -> dict[str, Values]:
    """Return the conditions of tags that a resource has; `service` has a name of its own."""
    prefixes = ["aws:resourcetag", *([f"{service}:resourcetag"] if service else [])]
    return {f"{one}/{key.lower()}": (value,) for one in prefixes for key, value in tags.items()}


def form_tags(form: Mapping[str, str], prefix: str = "Tags.member") -> dict[str, str]:
    """Return the tags of a query call."""
    keys = {name: value for name, value in form.items() if name.startswith(f"{prefix}.")}
    return {
        value: keys.get(f"{name.removesuffix('.Key')}.Value", "")
        for name, value in keys.items()
        if name.endswith(".Key")
    }


def tag_list(tags: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return tags that are listed with `Key` and `Value`."""
    return {str(tag.get("Key", "")): str(tag.get("Value", "")) for tag in tags}
