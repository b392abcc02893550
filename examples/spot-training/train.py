"""A training run that may be interrupted: it begins where the last checkpoint of its rank is.

Every step goes into a file on the machine; `save.py`, the checkpoint script, carries that file to
S3 when the machine has to go.
"""

import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import boto3

STEPS = int(os.environ.get("STEPS", "100"))
PAUSE = float(os.environ.get("PAUSE", "0.1"))
"""Seconds for a step: real models take as long without being asked to."""

POINTS = [(x / 10, 3 * x / 10 + 1) for x in range(-10, 11)]
RATE = 0.1
STATE = Path(os.environ["SPAWN_CHECKPOINT_DIR"], "state.json")


def restored() -> dict[str, float]:
    """Return what the last checkpoint holds, or where a run begins."""
    s3, place = boto3.client("s3"), urlsplit(os.environ["SPAWN_CHECKPOINT_URI"])
    key = f"{place.path.lstrip('/')}state.json"
    # Who asks for an object that is not there is only told that it may not be asked for.
    listed = s3.list_objects_v2(Bucket=place.netloc, Prefix=key)
    if not listed["KeyCount"]:
        return {"step": 0, "slope": 0.0, "offset": 0.0}
    return json.loads(s3.get_object(Bucket=place.netloc, Key=key)["Body"].read())


def stepped(state: dict[str, float]) -> dict[str, float]:
    """Return the model after one more step of gradient descent."""
    slope, offset = state["slope"], state["offset"]
    errors = [(slope * x + offset - y, x) for x, y in POINTS]
    return {
        "step": state["step"] + 1,
        "slope": slope - RATE * sum(error * x for error, x in errors) / len(POINTS),
        "offset": offset - RATE * sum(error for error, _ in errors) / len(POINTS),
    }


def kept(state: dict[str, float]) -> dict[str, float]:
    """Write a state down, whole or not at all, and return it."""
    draft = STATE.with_suffix(".new")
    draft.write_text(json.dumps(state))
    draft.replace(STATE)
    return state


def main() -> None:
    """Train to the end."""
    state = kept(restored())
    print(
        f"restart {os.environ['SPAWN_RESTART_COUNT']} begins at step {state['step']}", flush=True
    )
    while state["step"] < STEPS:
        time.sleep(PAUSE)
        state = kept(stepped(state))
    print(f"y = {state['slope']:.9f} x + {state['offset']:.9f} after {state['step']} steps")


if __name__ == "__main__":
    main()
