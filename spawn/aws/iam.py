"""Identity and Access Management: the whole of `spawn.aws.iam_ports.IamPort`."""

from spawn.aws.policies import PolicyCalls
from spawn.aws.profiles import ProfileCalls
from spawn.aws.roles import RoleCalls


class Iam(RoleCalls, ProfileCalls, PolicyCalls):
    """Identity and Access Management.

    (https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html). Calls that make something
    may be repeated: what an unseen first try has made is then a `Conflict`, and what it has
    removed `NotFound`.
    """
