"""What shims and init say to each other: one JSON object each way, over a unix socket."""

import msgspec


class Asked(msgspec.Struct, frozen=True):
    """One call of a shim: its name, its arguments, and where it was called."""

    program: str
    arguments: list[str]
    directory: str = "/"


class Answer(msgspec.Struct, frozen=True):
    """What the shim prints and ends with; `execute` is run in its place when it is given."""

    code: int = 0
    out: str = ""
    err: str = ""
    execute: list[str] = []
