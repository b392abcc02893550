"""Permissions to try the language with."""

from hypothesis import strategies as st

from spawn.permissions.realm import Realm
from spawn.permissions.templates import Level, services

REALM = Realm(region="us-east-1", account="111122223333")

WRITTEN = {
    "s3": ("my-bucket", "my-bucket/datasets/*", "arn:aws:s3:::logs-*/2026/?.gz"),
    "dynamodb": ("table/jobs", "jobs", "arn:aws:dynamodb:eu-west-1:111122223333:table/jobs"),
    "sqs": ("jobs", "jobs.fifo", "arn:aws:sqs:us-east-1:111122223333:jobs-*"),
    "sns": ("done", "arn:aws:sns:us-east-1:111122223333:done.fifo"),
    "cloudwatch": ("namespace/My/Training", "My/Training"),
    "logs": ("/spawn/training", "arn:aws:logs:us-east-1:111122223333:log-group:/spawn/x:*"),
    "ecr": ("repository/team/image", "team/image"),
    "secretsmanager": (
        "app/database",
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:app/database-AbCdEf",
    ),
    "ssm": ("parameter/app/*", "/app/*", "app/*"),
    "lambda": ("function/resize", "resize"),
    "sts": ("role/spawn/reader", "arn:aws:iam::111122223333:role/spawn/reader"),
    "kms": ("key/1234abcd-12ab-34cd-56ef-1234567890ab", "alias/data"),
    "ec2": (),
}
"""Ways in which resources may be written, by service."""


def items_of(name: str) -> list[str]:
    """Return a service at every level, alone and with each way of writing a resource."""
    service, found = services()[name], list[str]()
    for level in service.levels:
        found.append(f"{name}:{level}")
        limited = WRITTEN[name] if service.forms_of(level) else ()
        found += (f"{name}:{level}:{each}" for each in limited)
    return found


@st.composite
def items(draw: st.DrawFn) -> str:
    """Draw an item, with any number of resources."""
    name = draw(st.sampled_from(list(services())))
    level = draw(st.sampled_from(services()[name].levels))
    if not services()[name].forms_of(level):
        return f"{name}:{level}"
    written = draw(st.lists(st.sampled_from(WRITTEN[name]), max_size=3))
    return ":".join([name, level, *(["+".join(written)] if written else [])])


LEVELS = [(name, level) for name, service in services().items() for level in service.levels]
NARROWER = {
    Level.READ: (Level.READ_WRITE, Level.FULL),
    Level.WRITE: (Level.READ_WRITE, Level.FULL),
    Level.READ_WRITE: (Level.FULL,),
    Level.FULL: (),
}
"""Levels, and those that include them."""
