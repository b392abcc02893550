"""That no example is without a page and a test."""

from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_example_has_a_page_and_a_test() -> None:
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()}
    tests = (ROOT / "tests/e2e/test_examples.py").read_text()
    assert {name for name in folders if f"{name}/" in tests} == folders
    assert all((ROOT / "examples" / name / "README.md").exists() for name in folders)
