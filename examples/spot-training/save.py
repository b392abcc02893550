#!/usr/bin/env python3
"""The checkpoint script: carries what the trainer has written down to S3."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import boto3

STATE = Path(os.environ["SPAWN_CHECKPOINT_DIR"], "state.json")

place = urlsplit(os.environ["SPAWN_CHECKPOINT_URI"])
key = f"{place.path.lstrip('/')}state.json"
boto3.client("s3").put_object(Bucket=place.netloc, Key=key, Body=STATE.read_bytes())
print(f"saved for {os.environ['INTERRUPTION_ACTION']}: {STATE.read_text()}")
