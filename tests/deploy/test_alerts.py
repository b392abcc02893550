"""Alerts: each asks for what there is, has a page, and is shown to fire and to keep silent."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.dashboards.boards import BOARDS
from tests.deploy.metrics import known, named
from tests.fixtures.prometheus import DEPLOY, ROOT, promtool

RULES = DEPLOY / "rules" / "spawn.yml"
CASES = DEPLOY / "tests" / "spawn.test.yml"


def rules() -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def cases() -> list[dict[str, Any]]:
    tests: list[dict[str, Any]] = yaml.safe_load(CASES.read_text())["tests"]
    return [case for test in tests for case in test["alert_rule_test"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_there_is_and_leads_to_a_page_about_it(
    rule: dict[str, Any],
) -> None:
    names = named(rule["expr"])
    assert names or "up{" in rule["expr"]
    assert set(names) <= known()
    page = ROOT / rule["annotations"]["runbook_url"]
    text = page.read_text()
    assert rule["alert"] in text
    assert "## Look" in text
    assert "## Do" in text
    assert f"({page.name}) |" in (page.parent / "README.md").read_text()


def test_every_alert_is_shown_to_fire_and_to_keep_silent() -> None:
    names = {rule["alert"] for rule in rules()}
    assert {case["alertname"] for case in cases() if case.get("exp_alerts")} == names
    assert {case["alertname"] for case in cases() if not case.get("exp_alerts")} == names


@pytest.mark.door
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("check", "rules", RULES), id="rules are understood"),
        pytest.param(("test", "rules", CASES), id="alerts fire when they should"),
        pytest.param(
            ("check", "config", "--syntax-only", DEPLOY / "prometheus.yml"),
            id="its configuration is understood",
        ),
    ],
)
def test_promtool_accepts_what_prometheus_reads(words: tuple[str | Path, ...]) -> None:
    code, said = promtool(*words)
    assert code == 0, said


@pytest.mark.door
def test_promtool_understands_every_query_of_the_dashboards(tmp_path: Path) -> None:
    queries = [
        query.expression for board in BOARDS for panel in board.panels for query in panel.queries
    ]
    recorded = [
        {"record": f"query:{number}", "expr": text.replace("$__rate_interval", "1m")}
        for number, text in enumerate(queries)
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))
    code, said = promtool("check", "rules", file)
    assert code == 0, said
