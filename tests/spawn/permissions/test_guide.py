"""docs/guides/iam.md shows what the code grants."""

import json
import re
import shlex
from pathlib import Path

import pytest

from spawn.contracts.grants import Permissions
from spawn.permissions.auditing import audit
from spawn.permissions.cautions import (
    ACTION_STAR,
    BROAD_MANAGED,
    ESCALATION,
    KMS_KEY,
    RESOURCE_STAR,
    SECRETS,
)
from spawn.permissions.policies import make_policy
from spawn.permissions.templates import Level
from tests.spawn.permissions.strategies import REALM

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "iam.md").read_text()
PATTERNS = re.findall(
    r"^```sh\n(spawn iam show [^\n]*)\n```\n\n```json\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL
)


def test_there_are_five_patterns() -> None:
    assert len(PATTERNS) == GUIDE.count("```json") == 5


@pytest.mark.parametrize(("command", "shown"), PATTERNS)
def test_a_pattern_is_what_is_granted(command: str, shown: str) -> None:
    spec, *named = shlex.split(command)[3:]
    assert named == ["--region", REALM.region, "--account", REALM.account]
    policy = make_policy(Permissions(policies=(spec,)), REALM)
    assert json.loads(shown) == json.loads(policy.document)


def test_what_is_linted_is_found() -> None:
    linted = re.search(r"<<'END'\n(.*?)END\n", GUIDE, re.DOTALL)
    assert linted
    (finding,) = audit(linted[1], "policy.json")
    assert f"warning: {finding.where}: {finding.message}\n" in GUIDE


def test_every_level_and_every_code_is_explained() -> None:
    codes = (ACTION_STAR, BROAD_MANAGED, ESCALATION, KMS_KEY, RESOURCE_STAR, SECRETS)
    for word in (*Level, *codes):
        assert f"\n| `{word}` | " in GUIDE
