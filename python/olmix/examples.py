"""A small synthetic swarm: what the examples of the documentation run on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ._swarm import Swarm

if TYPE_CHECKING:
    from ._project import Project

__all__ = ["project", "swarm", "tables"]

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


def project(folder: str | os.PathLike[str]) -> Project:
    """Make a project of `swarm` in a new folder, with the first mixture recorded.

    Parameters
    ----------
    folder : path
        The project's folder, which is made.

    Returns
    -------
    Project
        Its history: domains, swarm, fit and mixture.

    Examples
    --------
    >>> import olmix, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     list(olmix.examples.project(f"{folder}/house").log()["name"])
    ['main@1', 'fit@1', 'swarm@1', 'domains@1']
    """
    import tempfile

    from ._command import run
    from ._fitting import fit
    from ._project import Project

    measured = Swarm(_path("ratios.csv"), _path("metrics.csv"), tokens=_TOKENS)
    mix = fit(measured, law="log_linear").propose(target_tokens=1e10, repetition=4, bootstrap=0)
    with tempfile.TemporaryDirectory(prefix="olmix-") as temporary:
        path = os.path.join(temporary, "mixture.json")
        mix.save(path)
        run(["init", os.fspath(folder), "--from", path])
    made = Project(folder)
    made.commit(mix, message="first mixture")
    return made


def _columns(path: str) -> dict[str, list[Any]]:
    import csv

    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    return {name: [row[i] if name == "run" else float(row[i]) for row in rows] for i, name in enumerate(header)}
