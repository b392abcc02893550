"""The bus as an AsyncAPI document: what spawn says, hears and answers.

https://www.asyncapi.com/docs/reference/specification/v3.0.0
"""

import ast
import inspect
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

import msgspec
import yaml

from scripts.pages import contracts
from scripts.pages.contracts import Schema
from spawn.bus.requests import ERROR, ERROR_CODE, Problem
from spawn.bus.streams import COMMANDS, EVENTS
from spawn.contracts.events import EventData, event_name

ROOT = Path(__file__).resolve().parents[2]

_ABOUT = """\
spawn's bus: NATS with JetStream. Events are the public contract: CloudEvents 1.0 in binary mode,
kept in the stream SPAWN_EVENTS, at least once, in order for each member. Readers ignore fields
that they don't know; fields are added, never removed, renamed or retyped within a version.
docs/guides/events.md explains it with examples."""
_COMMAND = f"""\
A durable command, kept in the stream {COMMANDS} until its effect is recorded. Unknown fields are
rejected. With a further token, `{{address}}.<user>`, the command is that bus user's; without one
it is `cli`'s."""


def files() -> Mapping[str, str]:
    """Return the document by path under docs/."""
    text = yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=99)
    return {
        "asyncapi.yaml": f"# Written by scripts/generate_docs.py; edit the code instead.\n{text}"
    }


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and nothing as an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write each value where it stands."""
        _ = data
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    writer = cast("Any", dumper)  # its stubs lack a type
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def document() -> Schema:
    """Return the whole document."""
    channels, operations, messages = {}, {}, {}
    for kind in contracts.event_kinds():
        name = event_name(kind)
        messages[name] = _event_message(kind)
        channels[name] = _event_channel(kind)
        operations[f"say.{name}"] = _operation("send", name, name)
    for subject, kind in contracts.COMMANDS.items():
        name = subject.removeprefix("spawn.cmd.")
        messages[name] = _message(name, kind, _headers({"Nats-Msg-Id": _text(_COMMAND_ID)}))
        channels[name] = _channel(subject, name, about=_COMMAND.format(address=subject))
        operations[f"hear.{name}"] = _operation("receive", name, name)
    for subject, (asked, answered) in contracts.QUESTIONS.items():
        name = subject.removeprefix("spawn.api.")
        messages[f"{name}.request"] = _message(name, asked, _headers({}))
        messages[f"{name}.reply"] = _message(f"{name}, answered", answered, _headers({}))
        channels[name] = _channel(subject, f"{name}.request", about="A question; NATS request.")
        channels[f"{name}.reply"] = _reply_channel(name)
        operations[f"answer.{name}"] = _question(name)
    messages["problem"] = _message("problem", Problem, _headers(_PROBLEM_HEADERS))
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": {"embedded": _SERVER},
        "channels": channels,
        "operations": operations,
        "components": {
            "messages": messages,
            "schemas": _schemas(),
            "securitySchemes": {"user": {"type": "userPassword"}},
        },
    }


@cache
def said_now() -> frozenset[str]:
    """Return the Structs of events that some service of this version makes."""
    names: set[str] = set()
    for path in (ROOT / "services").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    names.add(name)
                case _:
                    pass
    return frozenset(names & {kind.__name__ for kind in contracts.event_kinds()})


_COMMAND_ID = "Verb, id and hash: the same command within 30 minutes is stored once."
_PROBLEM_HEADERS: Schema = {
    ERROR: {"type": "string"},
    ERROR_CODE: {"type": "string", "description": "400, 404, 409, or 5xx: may work later."},
}
_SERVER: Schema = {
    "host": "127.0.0.1:4222",
    "protocol": "nats",
    "description": "The bus that `spawn up` starts, on a port that it chooses; `spawn sandbox env`"
    " prints the address, with the credentials of a user who may read events and nothing else.",
    "security": [{"$ref": "#/components/securitySchemes/user"}],
}


def _info() -> Schema:
    return {
        "title": "spawn",
        "version": "1.0.0",
        "description": _ABOUT,
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
    }


def _event_channel(kind: type[EventData]) -> Schema:
    name = event_name(kind)
    about = f"Kept in the stream {EVENTS}."
    if kind.__name__ not in said_now():
        about += " Part of the contract, said by no service of this version yet."
    channel = _channel(f"spawn.evt.{{array}}.{name}", name, about=about)
    array = {"description": "The array's id: `<name>-<12 characters>`."}
    return {**channel, "parameters": {"array": array}}


def _event_message(kind: type[EventData]) -> Schema:
    name = event_name(kind)
    headers: Schema = {
        "ce-specversion": {"const": "1.0"},
        "ce-id": _text("<array>/<noun>/<rank>/<generation>/<verb>/<version of the record>"),
        "ce-source": _text("/spawn/<deployment>/<service>"),
        "ce-type": {"const": f"spawn.{name}.v1"},
        "ce-subject": _text("<array>, or <array>/<rank>"),
        "ce-time": {"type": "string", "format": "date-time"},
        "Nats-Msg-Id": _text("The same as ce-id: JetStream stores it once within 30 minutes."),
        "traceparent": _text("W3C trace context of the launch, where there is one."),
    }
    return _message(name, kind, _headers(headers, optional={"traceparent"}))


def _message(name: str, kind: type[msgspec.Struct], headers: Schema) -> Schema:
    return {
        "name": name,
        "summary": inspect.cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " "),
        "contentType": "application/json",
        "headers": headers,
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }


def _headers(properties: Schema, *, optional: frozenset[str] | set[str] = frozenset()) -> Schema:
    properties = {**properties, "content-type": {"const": "application/json"}}
    needed = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": needed}


def _text(about: str) -> Schema:
    return {"type": "string", "description": about}


def _channel(address: str, message: str, *, about: str) -> Schema:
    return {"address": address, "description": about, "messages": {message: _component(message)}}


def _reply_channel(name: str) -> Schema:
    answers = (f"{name}.reply", "problem")
    return {
        "address": None,
        "description": "The inbox that a NATS request carries.",
        "messages": {each: _component(each) for each in answers},
    }


def _component(message: str) -> Schema:
    return {"$ref": f"#/components/messages/{message}"}


def _operation(action: str, channel: str, message: str) -> Schema:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _question(name: str) -> Schema:
    reply = f"{name}.reply"
    return {
        **_operation("receive", name, f"{name}.request"),
        "reply": {
            "channel": {"$ref": f"#/channels/{reply}"},
            "messages": [
                {"$ref": f"#/channels/{reply}/messages/{each}"} for each in (reply, "problem")
            ],
        },
    }


def _schemas() -> dict[str, Any]:
    kinds: list[type[msgspec.Struct]] = [*contracts.event_kinds(), *contracts.COMMANDS.values()]
    for pair in contracts.QUESTIONS.values():
        kinds += pair
    return contracts.components([*kinds, Problem], "#/components/schemas/{name}")
