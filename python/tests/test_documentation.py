"""What the documentation says runs, and says of every public name what it takes, gives and refuses."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import olmix

ROOT = Path(__file__).resolve().parents[2]


def _blocks(page: str) -> list[str]:
    parts = (ROOT / page).read_text(encoding="utf-8").split("```")
    return [part.removeprefix("python\n") for part in parts[1::2] if part.startswith("python\n")]


def _run(*words: str) -> str:
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_code_of_the_readme_runs_and_is_that_of_the_package_index() -> None:
    (code,) = _blocks("README.md")
    assert _blocks("python/README.md") == [code]
    assert "web:science" in _run("-c", code)


@pytest.mark.parametrize("name", ["quickstart", "what_if", "export"])
def test_examples_run_without_a_warning(name: str) -> None:
    assert "code" in _run("-W", "error", str(ROOT / "python" / "examples" / f"{name}.py"))


def _public() -> Iterator[tuple[str, Any]]:
    """Functions, classes and their methods and properties, by full name."""
    for name in olmix.__all__:
        item = getattr(olmix, name)
        if inspect.ismodule(item):
            yield from ((f"{name}.{inner}", getattr(item, inner)) for inner in item.__all__)
        else:
            yield name, item
        if inspect.isclass(item):
            yield from ((f"{name}.{key}", value) for key, value in vars(item).items() if not key.startswith("_"))


#: Errors and warnings have the parameters and the example of their base; these have no example of their own.
BASES = ("errors.", "notices.")


def test_every_public_name_says_what_it_takes_and_has_an_example() -> None:
    lacking = []
    seen = 0
    for name, item in _public():
        document = inspect.getdoc(item) or ""
        lacking += [] if document else [f"{name}: nothing"]
        if not inspect.isfunction(item) and not inspect.isclass(item):
            continue
        seen += 1
        if name.startswith(BASES) and name not in ("errors.OlmixError", "notices.FitWarning"):
            continue
        lacking += [] if ">>>" in document else [f"{name}: an example"]
        parameters = [p for p in inspect.signature(item).parameters if p != "self"] if inspect.isfunction(item) else []
        lacking += [f"{name}: parameter {p}" for p in parameters if p not in document.partition("Parameters\n")[2]]
    assert not lacking
    assert seen > 40


def test_methods_that_give_something_say_what() -> None:
    lacking = [
        name
        for name, item in _public()
        if inspect.isfunction(item)
        and inspect.signature(item).return_annotation not in ("None", None, inspect.Signature.empty)
        and len(inspect.signature(item).parameters) > 1
        and "Returns\n" not in (inspect.getdoc(item) or "")
    ]
    assert not lacking


def test_links_of_the_pages_lead_to_files() -> None:
    folder = ROOT / "docs" / "python"
    links = 0
    for page in [*folder.glob("*.md"), *folder.glob("*.ipynb"), ROOT / "python" / "README.md"]:
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                links += 1
                assert (page.parent / link.partition("#")[0]).exists(), f"{page.name}: {link}"
    assert links > 10
