"""Every failure that the code can tell of stands on the page, and says what to do."""

import re
from pathlib import Path

import pytest

from scripts.pages.advice import CAUSES, CODES
from scripts.pages.errors import files, place_of
from scripts.pages.failures import OUTCOMES, Failure, failures
from spawn.errors import Cause

DOCS = Path(__file__).parents[3] / "docs"
FOUND = failures()
MODULE = """
FIELD = "count"

def check(count):
    if count < 1:
        raise Rejected(f"{FIELD}={count}: use {most(count)} at most", field=FIELD, code="few")
    if count > 9:
        raise _wrong("size", count, "use less")
    raise Transient(str(error))

def _wrong(field: str, value: int, expected: str) -> Rejected:
    return Rejected(f"{field}={value}: {expected}", field=field)

def judge(lost):
    code = "lost" if lost else "full"
    give_up(array, code, "why")
    give_up(array, "late", "why")
"""


def test_texts_codes_and_fields_are_read_from_the_source(tmp_path: Path) -> None:
    for tree in ("spawn", "services", "cli"):
        (tmp_path / tree).mkdir()
    (tmp_path / "spawn" / "some.py").write_text(MODULE)
    where = "spawn/some.py"
    assert set(failures(tmp_path)) == {
        Failure("count={count}: use {count} at most", "Rejected", "few", "count", where),
        Failure("size={count}: use less", "Rejected", "", "size", where),
        Failure("", "Transient", "", "", where),
        *(Failure("", "Failed", code, "", where) for code in ("lost", "full", "late")),
    }


def test_every_code_is_explained_and_none_that_there_is_not() -> None:
    assert {each.code for each in FOUND if each.code} == set(CODES)
    assert set(CAUSES) == set(Cause)
    assert all(text.endswith(".") for text in (*CODES.values(), *CAUSES.values()))


@pytest.mark.parametrize("kind", OUTCOMES)
def test_failures_of_every_kind_are_found(kind: str) -> None:
    assert sum(each.kind == kind for each in FOUND) > 3


def test_every_failure_with_a_text_or_a_code_stands_on_the_page() -> None:
    (page,) = files().values()
    for each in FOUND:
        shown = " ".join(each.text.split()).replace("|", "\\|")
        assert shown in page
        assert not each.code or f"| `{each.code}` |" in page
        assert f"## {place_of(each.module)}" in page


def test_what_the_page_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)]+)\)", " ".join((*CODES.values(), *CAUSES.values())))
    assert links
    assert all((DOCS / link).exists() for link in links)
