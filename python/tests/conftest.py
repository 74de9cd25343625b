"""What tests share: the package, the command line, and packages that may be missing."""

from __future__ import annotations

import csv
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

if importlib.util.find_spec("olmix") is None:
    sys.path.insert(0, str(Path(__file__).parents[1]))


def needed(name: str) -> ModuleType:
    """A package that tests run on. Where it is missing, tests are skipped, or fail with OLMIX_TEST_PYTHON=1."""
    try:
        module = importlib.import_module(name)
        if name == "torch":
            # Some tests fork, and threads of a pool would be missing in the new process.
            module.set_num_threads(1)
        return module
    except ImportError as error:
        if os.environ.get("OLMIX_TEST_PYTHON") == "1":
            raise
        pytest.skip(f"{name} is not there: {error}", allow_module_level=True)


Table = dict[str, dict[str, float]]


class Collected:
    """What `olmix collect` made of a folder of runs, and what it said."""

    def __init__(self, output: Path, said: str) -> None:
        self.said = said
        self.ratios = self._table(output / "ratios.csv")
        self.metrics = self._table(output / "metrics.csv")

    @staticmethod
    def _table(path: Path) -> Table:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {row.pop("run"): {name: float(value) for name, value in row.items()} for row in rows}


def collect(swarm: Path, *options: str) -> Collected:
    """Run `olmix collect`, the program named by OLMIX_BINARY or on the path."""
    binary = os.environ.get("OLMIX_BINARY") or shutil.which("olmix")
    if binary is None:
        if os.environ.get("OLMIX_TEST_PYTHON") == "1":
            raise AssertionError("there is no olmix: set OLMIX_BINARY")
        pytest.skip("there is no olmix: set OLMIX_BINARY")
    output = swarm.parent / f"{swarm.name}-collected"
    command = [binary, "collect", "--swarm", str(swarm), "--output", str(output), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Collected(output, done.stdout + done.stderr)


def example(section: str) -> str:
    """The Python code below a heading of docs/python/integrations.md."""
    page = (Path(__file__).parents[2] / "docs" / "python" / "integrations.md").read_text(encoding="utf-8")
    below = page.split(f"\n## {section}\n")[1]
    return below.split("```python\n")[1].split("```")[0]
