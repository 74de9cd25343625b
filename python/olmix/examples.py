"""A small synthetic swarm: what the examples of the documentation run on."""

from __future__ import annotations

import os
from typing import Any

from ._swarm import Swarm

__all__ = ["swarm", "tables"]

_TOKENS = {
    "web:general": 6_000_000_000,
    "web:science": 1_500_000_000,
    "code": 900_000_000,
    "math": 300_000_000,
    "books": 800_000_000,
    "wikipedia": 200_000_000,
}


def _path(name: str) -> str:
    return os.path.join(os.path.dirname(__file__), "data", name)


def swarm() -> Swarm:
    """Return 40 synthetic runs over 6 domains with 9 tasks, in memory.

    Examples
    --------
    >>> import olmix
    >>> olmix.examples.swarm()
    Swarm: 40 runs, domains web:general, web:science, code, math, books, wikipedia
    """
    ratios, metrics = tables()
    return Swarm(ratios, metrics, tokens=_TOKENS)


def tables() -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Return the ratios and the metrics of `swarm` as columns.

    Examples
    --------
    >>> import olmix
    >>> ratios, metrics = olmix.examples.tables()
    >>> len(ratios["run"]), list(ratios)[1]
    (40, 'web:general')
    """
    return _columns(_path("ratios.csv")), _columns(_path("metrics.csv"))


def _columns(path: str) -> dict[str, list[Any]]:
    import csv

    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    return {name: [row[i] if name == "run" else float(row[i]) for row in rows] for i, name in enumerate(header)}
