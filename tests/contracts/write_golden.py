"""Write the golden bytes anew: `python -m tests.contracts.write_golden --write`.

Without the flag nothing is written, and the exit code says whether something would change. What
changes here changes for everybody who reads our messages: add fields with defaults, nothing else.
"""

import sys

from spawn.bus import codec
from tests.contracts.examples import GOLDEN, all_examples


def main(arguments: list[str]) -> int:
    wanted = {f"{name}.json": codec.encode(each) for name, each in all_examples().items()}
    found = {path.name: path.read_bytes() for path in GOLDEN.glob("*.json")}
    if arguments != ["--write"]:
        return int(wanted != found)
    for name in found.keys() - wanted.keys():
        (GOLDEN / name).unlink()
    for name, data in wanted.items():
        (GOLDEN / name).write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
