"""Runs of trackers, trainers and tables as a swarm, read by `olmix collect`."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from ._swarm import Swarm, _sizes
from ._tables import is_path

__all__ = ["collect"]


def collect(
    source: str | os.PathLike[str],
    *,
    tokens: Mapping[str, float] | None = None,
    prior: Mapping[str, float] | None = None,
    ratios: Any = None,
    mix: Sequence[str] = (),
    metrics: Sequence[str] = (),
    run_column: str | None = None,
    experiment: str | None = None,
    variants: str | os.PathLike[str] | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    include_short: bool = False,
    output: str | os.PathLike[str] | None = None,
    progress: Any = None,
) -> Swarm:
    """Read runs of a tracker, a trainer, an evaluation program or a table.

    Parameters
    ----------
    source : path or URL
        A folder of runs, of W&B, TensorBoard, trackio, SwanLab or MLflow, results of lm-evaluation-harness, a ledger of
        `olmix launch`, an MLflow server, or a table: docs/collect.md lists all.
    tokens, prior : mapping of str to number
        As those of `olmix.Swarm`; one is needed.
    ratios : path, optional
        A table with the mixtures of the runs, where the source does not record them.
    mix, metrics : sequence of str
        Of a table: patterns of the columns with the mixture, and of those that were measured.
    run_column : str, optional
        Of a table: the column that names the runs.
    experiment : str, optional
        The experiment on a tracking server.
    variants : path, optional
        A folder of launch configs with the mixtures of the runs.
    include, exclude : sequence of str
        Patterns of metrics to keep and to leave out.
    include_short : bool
        Keep runs that stopped short of the others' last step.
    output : path, optional
        Folder for ``ratios.csv``, ``metrics.csv`` and ``metrics.meta.json``.
    progress : bool or callable, optional
        See `olmix.fit`; how many runs there are is not known before, so that seconds are shown.

    Returns
    -------
    Swarm
        The runs; directions that the source knows are kept.

    Raises
    ------
    olmix.errors.InputError
        For sources that can't be read, with what is wrong where.

    Warns
    -----
    olmix.notices.OlmixNotice
        For runs that are left out, by name, and what was read in another way than one might expect.

    Examples
    --------
    >>> import olmix, tempfile, os
    >>> table = os.path.join(os.path.dirname(olmix.__file__), "data", "export.csv")
    >>> olmix.collect(table, mix=["mix.*"], metrics=["eval/*"], run_column="Name", tokens={"web": 6e9, "code": 9e8})
    Swarm: 4 runs, domains code, web
    """
    from ._command import run

    words = ["collect", "--swarm", os.fspath(source)]
    for flag, value in (
        ("--ratios", ratios),
        ("--run-column", run_column),
        ("--experiment", experiment),
        ("--variants", variants),
    ):
        if value is not None:
            words += [flag, os.fspath(value)]
    for flag, patterns in (("--mix", mix), ("--metrics", metrics), ("--include", include), ("--exclude", exclude)):
        words += [word for pattern in ([patterns] if is_path(patterns) else patterns) for word in (flag, str(pattern))]
    words += ["--include-short"] if include_short else []
    tokens = None if tokens is None else _sizes(tokens, "tokens", whole=True)
    prior = None if prior is None else _sizes(prior, "prior", whole=False)
    if output is not None:
        folder = os.fspath(output)
        with tempfile.TemporaryDirectory(prefix="olmix-") as temporary:
            counts = _counts(tokens, temporary)
            run([*words, "--output", folder, *counts], arguments=counts[-1] if counts else None, progress=progress)
        return Swarm(os.path.join(folder, "ratios.csv"), os.path.join(folder, "metrics.csv"), tokens=tokens, prior=prior)
    with tempfile.TemporaryDirectory(prefix="olmix-") as folder:
        # Nobody sees the first fit.yaml: the swarm has its own tokens and prior.
        counts = _counts(tokens, folder)
        given = counts[-1] if counts else None
        run([*words, "--output", folder, *counts], arguments=given, unsaid="fit.yaml ", progress=progress)
        tables = [_table(os.path.join(folder, name)) for name in ("ratios.csv", "metrics.csv")]
        with open(os.path.join(folder, "metrics.meta.json"), encoding="utf-8") as file:
            known = json.load(file)["metrics"]
        directions = {name: meta["direction"] for name, meta in known.items() if meta.get("direction")}
        return Swarm(*tables, tokens=tokens, prior=prior, directions=directions)


def _counts(tokens: Mapping[str, float] | None, folder: str) -> list[str]:
    """The option for token counts, which the first fit.yaml gets."""
    if tokens is None:
        return []
    path = os.path.join(folder, "tokens.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(dict(tokens), file)
    return ["--tokens", path]


def _table(path: str) -> dict[str, list[Any]]:
    import csv

    def number(text: str) -> float | None | str:
        try:
            return float(text)
        except ValueError:
            return text or None

    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    return {name: [row[i] if i == 0 else number(row[i]) for row in rows] for i, name in enumerate(header)}
