"""JSON Schemas of the contracts, one self-contained document each."""

import inspect
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec

from cli.cloudevents import CloudEvent
from spawn.bus.requests import Problem
from spawn.contracts import (
    arrays,
    checkpoints,
    clouds,
    events,
    grants,
    hostnames,
    launches,
    lease_records,
    members,
    notices,
    prices,
)
from spawn.contracts.lease_records import LeaseRecord

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""https://json-schema.org/draft/2020-12/json-schema-core."""

COMMANDS: dict[str, type[msgspec.Struct]] = {
    launches.SUBJECT_LAUNCH: launches.Launch,
    launches.SUBJECT_TERMINATE: launches.Terminate,
    lease_records.SUBJECT_EXTEND: lease_records.Extend,
    lease_records.SUBJECT_EXPIRE: lease_records.Expire,
    notices.SUBJECT_LOOK: notices.Look,
}
QUESTIONS: dict[str, tuple[type[msgspec.Struct], type[msgspec.Struct]]] = {
    launches.API_PLAN: (launches.LaunchSpec, launches.LaunchPlan),
    launches.API_COLLECT: (launches.CollectRequest, launches.CollectReport),
    clouds.API_CLOUD: (clouds.CloudRequest, clouds.CloudReport),
    prices.API_COST: (prices.CostRequest, prices.Estimate),
    grants.API_ENSURE: (grants.GrantRequest, grants.Grant),
    grants.API_DESCRIBE: (grants.GrantRequest, grants.GrantDescription),
    grants.API_LINT: (grants.LintRequest, grants.LintReport),
    grants.API_COLLECT: (grants.CollectGrants, grants.CollectedGrants),
    hostnames.API_LIST: (hostnames.ListRecords, hostnames.RecordList),
    hostnames.API_CHECK: (hostnames.CheckRecords, hostnames.RecordCheck),
    hostnames.API_COLLECT: (hostnames.CollectRecords, hostnames.RecordCollection),
    checkpoints.API_CHECKPOINT: (checkpoints.CheckpointRequest, checkpoints.CheckpointAsked),
    notices.API_SETUP: (notices.SetupRequest, notices.Setup),
    notices.API_WATCH: (notices.WatchRequest, notices.Watched),
}


def event_kinds() -> tuple[type[events.EventData], ...]:
    """Return the Struct of every event, in the order of the contract."""
    return get_args(events.Data)


def documents() -> dict[str, Schema]:
    """Return every schema by the name of its file, without suffix."""
    kinds: dict[str, type[msgspec.Struct]] = {
        f"{events.event_name(kind)}.v1": kind for kind in event_kinds()
    }
    kinds |= {subject.removeprefix("spawn."): kind for subject, kind in COMMANDS.items()}
    for subject, (asked, answered) in QUESTIONS.items():
        kinds[f"{subject.removeprefix('spawn.')}.request"] = asked
        kinds[f"{subject.removeprefix('spawn.')}.reply"] = answered
    kinds |= {"array": arrays.Array, "member": members.Member, "grant": grants.Grant}
    kinds |= {
        "hostnames": hostnames.Hostnames,
        "lease": LeaseRecord,
        "notice": notices.Notice,
        "event": CloudEvent,
    }
    kinds["problem"] = Problem
    return {name: document(name, kind) for name, kind in kinds.items()}


def document(name: str, kind: type[msgspec.Struct]) -> Schema:
    """Return the schema of one Struct with all that it refers to."""
    definitions = components([kind], "#/$defs/{name}")
    own = definitions.pop(kind.__name__)
    head: Schema = {"$schema": DIALECT, "$id": f"urn:spawn:schema:{name}", **own}
    return head | ({"$defs": definitions} if definitions else {})


def components(kinds: list[type[msgspec.Struct]], template: str) -> Schema:
    """Return the schemas of Structs and of what they refer to, by name."""
    _, found = msgspec.json.schema_components(kinds, ref_template=template)
    structs = {each.cls.__name__: each for each in _structs(kinds)}
    return {name: _finished(found[name], structs.get(name)) for name in sorted(found)}


def _structs(kinds: list[type[msgspec.Struct]]) -> Iterator[msgspec.inspect.StructType]:
    seen: set[type] = set()
    waiting: list[Any] = list(msgspec.inspect.multi_type_info(kinds))
    while waiting:
        info = waiting.pop()
        match info:
            case msgspec.inspect.StructType(cls=cls):
                if cls not in seen:
                    seen.add(cls)
                    yield info
                    waiting += [field.type for field in info.fields]
            case msgspec.inspect.UnionType(types=types):
                waiting += types
            case msgspec.inspect.VarTupleType(item_type=item):
                waiting.append(item)
            case _:
                pass


def _finished(schema: Schema, struct: msgspec.inspect.StructType | None) -> Schema:
    """Say what msgspec leaves out, that instants are instants, and take margins off texts."""
    if "description" in schema:
        schema = {**schema, "description": inspect.cleandoc(schema["description"])}
    for field in struct.fields if struct else ():
        place: Schema = schema["properties"][field.encode_name]
        if isinstance(field.type, msgspec.inspect.DateTimeType):
            place["format"] = "date-time"
        elif isinstance(field.type, msgspec.inspect.UnionType) and "anyOf" in place:
            _mark_instants(place["anyOf"], field.type)
    return schema


def _mark_instants(alternatives: list[Schema], union: msgspec.inspect.UnionType) -> None:
    if any(isinstance(each, msgspec.inspect.DateTimeType) for each in union.types):
        for alternative in alternatives:
            if alternative.get("type") == "string":
                alternative["format"] = "date-time"


def files() -> Mapping[str, str]:
    """Return the documents as files, by path under docs/."""
    return {
        f"schemas/{name}.json": msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()
        + "\n"
        for name, schema in documents().items()
    }
