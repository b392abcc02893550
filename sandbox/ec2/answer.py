"""What an EC2 operation of the sandbox returns."""

import msgspec


class Answer(msgspec.Struct, frozen=True):
    """The XML, and how many instances the call really touched (for the resource bucket)."""

    body: bytes
    resources: int = 0
