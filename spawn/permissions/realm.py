"""Where permissions hold: what the parts of an ARN are that people leave out."""

import msgspec

PARTITION = r"aws(?:-[a-z]+)*"
REGION = r"[a-z0-9*?-]{0,30}"
ACCOUNT = r"(?:[0-9]{12}|\*|aws)?"


class Realm(msgspec.Struct, frozen=True, kw_only=True):
    """A partition, a region and an account, with which ARNs are completed."""

    partition: str = "aws"
    region: str
    account: str

    @property
    def parts(self) -> dict[str, str]:
        """The parts by the names that `templates.toml` has for them."""
        return {"partition": self.partition, "region": self.region, "account": self.account}


def partition_of(region: str) -> str:
    """Return the partition of a region.

    https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
    """
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
