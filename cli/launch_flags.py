"""What the flags of `launch` are called and what their texts and files hold."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, cast

import typer
import yaml

from cli.exits import Usage
from cli.specs import split_lists
from spawn.contracts import launches, leases

Texts = list[str] | None


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
NoTtl = Annotated[
    bool, typer.Option("--no-ttl", help="Without an end, where the deployment allows that.")
]
OnExpire = Annotated[
    leases.LeaseAction | None,
    typer.Option(help="What the end of the lease means; terminate unless set."),
]
Hibernate = Annotated[
    bool, typer.Option("--hibernate", help="Make machines that can be hibernated.")
]
IdleTimeout = Annotated[
    str, typer.Option(help="End what has not worked for this long, e.g. 30m.", metavar="DURATION")
]
IdleAction = Annotated[
    leases.LeaseAction | None,
    typer.Option(help="What happens to idle machines; terminate unless set."),
]
IdleScope = Annotated[
    launches.IdleScope | None,
    typer.Option(help="Idle are all members together (array, the default), or each by itself."),
]
UserData = Annotated[
    str, typer.Option(help="Boot script, run once as root.", metavar="TEXT|@FILE")
]
Command = Annotated[
    str,
    typer.Option(help="What every member runs: a line for the shell.", metavar="TEXT|@FILE"),
]
Env = Annotated[
    Texts,
    typer.Option("--env", "-e", help="A variable of the job; repeatable.", metavar="NAME=VALUE"),
]
EnvCompat = Annotated[
    Texts,
    typer.Option(
        help="Also name ranks and peers as these do: slurm, batch, torch.", metavar="NAMES"
    ),
]
LoginUser = Annotated[
    str, typer.Option(help="Who runs the command; the image's user if left out.", metavar="USER")
]
WaitFor = Annotated[
    launches.WaitFor | None,
    typer.Option(
        help="When it is ready: instances run (the default), agents answer, or names resolve."
    ),
]
OnComplete = Annotated[
    launches.OnComplete | None,
    typer.Option(help="What a machine does after its job; terminate when there is a command."),
]
Keep = Annotated[bool, typer.Option("--keep", help="The same as --on-complete none.")]
MaxRuntime = Annotated[
    str, typer.Option(help="When a job that still runs is ended.", metavar="DURATION")
]
Retries = Annotated[int | None, typer.Option(help="How often a command that failed is run again.")]
OnMemberFailure = Annotated[
    launches.OnMemberFailure | None,
    typer.Option(help="What the first failure means: continue (the default), or all end."),
]
NoPeerSsh = Annotated[
    bool, typer.Option("--no-peer-ssh", help="Exchange no keys for ssh between members.")
]
Dns = Annotated[
    str,
    typer.Option(help="What machines' names begin with; the array's name if left out."),
]
DnsAddress = Annotated[
    launches.AddressKind | None,
    typer.Option(help="Which address names resolve to; the deployment's choice if left out."),
]
Follow = Annotated[
    bool,
    typer.Option("--follow", help="Show the job's output to its end; exit as it did."),
]
Region = Annotated[str, typer.Option(help="AWS region; AWS_REGION if left out.")]
MinCount = Annotated[
    int | None, typer.Option(help="Members that suffice; without them nothing is kept.")
]
IamPolicy = Annotated[
    Texts,
    typer.Option(
        help="What machines may do in AWS, e.g. s3:ReadOnly:BUCKET; see `spawn iam templates`.",
        metavar="SERVICE:LEVEL[:RESOURCE]",
    ),
]
IamManagedPolicies = Annotated[
    Texts, typer.Option(help="Managed policies by name or ARN.", metavar="NAMES")
]
IamPolicyFile = Annotated[
    list[Path] | None, typer.Option(help="A policy as JSON; repeatable.", metavar="FILE")
]
IamRole = Annotated[
    str | None,
    typer.Option(help="A role that exists, in place of all the others.", metavar="NAME"),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Reject permissions that are wider than they need be.")
]
RequestId = Annotated[
    str | None, typer.Option(help="Name of this request: sent again, it makes nothing new.")
]
SpecFile = Annotated[
    Path | None, typer.Option("--file", "-f", help="YAML file of a spec; flags win over it.")
]


def read_spec_file(path: Path | None) -> dict[str, Any]:
    """Read the fields of a spec; raise `Usage` when the file can't be read or is no mapping.

    A `user_data`, a `command`, a `checkpoint_script` or one of the `documents` of `permissions`
    that is `@FILE` is looked for beside the spec.
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
    for name in ("user_data", "command", "checkpoint_script"):
        text = fields.get(name)
        if isinstance(text, str):
            fields[name] = read_text(f"-f {name}", text, beside=path.parent)
    permissions = fields.get("permissions")
    if isinstance(permissions, dict):
        _read_documents(cast("dict[str, Any]", permissions), beside=path.parent)
    return fields


def _read_documents(permissions: dict[str, Any], *, beside: Path) -> None:
    documents: object = permissions.get("documents")
    if isinstance(documents, list):
        texts = map(str, cast("list[Any]", documents))
        permissions["documents"] = [read_text("-f documents", x, beside=beside) for x in texts]


def read_permissions(
    policies: Texts, managed: Texts, role: str | None, files: list[Path] | None
) -> dict[str, Any]:
    """Return what the flags of permissions say, without those that were not given.

    Raises `Usage` for an empty one: a variable that is not set must not mean 'nothing is allowed'.
    """
    refuse_empty("--iam-policy", policies or ())
    refuse_empty("--iam-managed-policies", managed or ())
    refuse_empty("--iam-role", () if role is None else (role,))
    said = {
        "policies": split_lists(policies or ()),
        "managed": split_lists(managed or ()),
        "role": role,
        "documents": tuple(_read("--iam-policy-file", path) for path in files or ()),
    }
    return {name: value for name, value in said.items() if value}


def refuse_empty(flag: str, values: Iterable[str]) -> None:
    """Raise `Usage` when one of a flag's lists names nothing."""
    for value in values:
        if not value.strip(" ,"):
            raise Usage(f"{flag} {value!r}: it is empty; leave it out, or say what it is to be")


def read_text(flag: str, value: str, *, beside: Path | None = None) -> str:
    """Return a text, or what is in the file when it is written `@FILE`."""
    if not value.startswith("@"):
        return value
    return _read(flag, (beside or Path()) / value.removeprefix("@"))


def _read(flag: str, path: Path) -> str:
    try:
        # Editors of Windows begin a text with a mark that no reader of it expects.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Usage(f"{flag} {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Usage(f"{flag} {path}: not a text in UTF-8") from error
