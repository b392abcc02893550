"""What the flags of `launch` are called and what their texts and files hold."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer
import yaml

from cli.exits import Usage

Texts = list[str] | None


class WaitFor(StrEnum):
    """What a launch waits for."""

    RUNNING = "running"


Count = Annotated[int | None, typer.Option("--count", "-c", help="How many machines.")]
Name = Annotated[
    str,
    typer.Option(
        "--job-array-name", "--name", "-n", help="The array's name; one is made up if left out."
    ),
]
InstanceType = Annotated[
    Texts,
    typer.Option(help="Type, best first; repeat or separate with commas.", metavar="TYPE"),
]
Zone = Annotated[Texts, typer.Option(help="Availability zone; repeatable.", metavar="ZONE")]
Ami = Annotated[str, typer.Option(help="Image id; the latest Amazon Linux if left out.")]
Subnet = Annotated[Texts, typer.Option(help="Subnet id; repeatable.", metavar="SUBNET")]
SecurityGroup = Annotated[
    Texts, typer.Option(help="A further security group's id; repeatable.", metavar="GROUP")
]
SshCidr = Annotated[str, typer.Option(help="Network that may connect to port 22.", metavar="CIDR")]
KeyName = Annotated[str, typer.Option(help="EC2 key pair.", metavar="NAME")]
Tag = Annotated[Texts, typer.Option(help="A tag; repeatable.", metavar="KEY=VALUE")]
Ttl = Annotated[
    str, typer.Option(help="When all ends, e.g. 90m or 1d12h; 8h unless set.", metavar="DURATION")
]
UserData = Annotated[str, typer.Option(help="Boot script.", metavar="TEXT|@FILE")]
Region = Annotated[str, typer.Option(help="AWS region; AWS_REGION if left out.")]
MinCount = Annotated[
    int | None, typer.Option(help="Members that suffice; without them nothing is kept.")
]
RequestId = Annotated[
    str, typer.Option(help="Name of this request: sent again, it makes nothing new.")
]
SpecFile = Annotated[
    Path | None, typer.Option("--file", "-f", help="YAML file of a spec; flags win over it.")
]


def read_spec_file(path: Path | None) -> dict[str, Any]:
    """Read the fields of a spec; raise `Usage` when the file can't be read or is no mapping.

    A `user_data` of `@FILE` is looked for beside the spec.
    """
    if path is None:
        return {}
    try:
        content: object = yaml.safe_load(_read("-f", path))
    except yaml.YAMLError as error:
        raise Usage(f"-f {path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise Usage(f"-f {path}: write fields of a launch, such as `count: 8`")
    fields = {str(name): value for name, value in cast("dict[Any, Any]", content).items()}
    script = fields.get("user_data")
    if isinstance(script, str):
        fields["user_data"] = read_text("-f user_data", script, beside=path.parent)
    return fields


def read_text(flag: str, value: str, *, beside: Path | None = None) -> str:
    """Return a text, or what is in the file when it is written `@FILE`."""
    if not value.startswith("@"):
        return value
    return _read(flag, (beside or Path()) / value.removeprefix("@"))


def _read(flag: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Usage(f"{flag} {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Usage(f"{flag} {path}: not a text in UTF-8") from error
