"""Projects: data that changes, with the history of what was measured and proposed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ._mix import Mix
from ._tables import Table, like
from .errors import FileError

__all__ = ["Plan", "Project", "plan"]


class Plan:
    """What to train after an update, with cost and risk; made by `Project.plan`.

    Attributes
    ----------
    content : dict
        All of the plan, as ``olmix plan --json`` prints it.

    Examples
    --------
    >>> import olmix, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     plan = olmix.examples.project(f"{folder}/house").plan(runs=4)
    >>> plan
    Plan: swarm-reuse, 4 runs
    >>> list(plan.methods["method"])
    ['swarm-reuse', 'recompute']
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    @property
    def method(self) -> str:
        """``full-reuse``, ``partial-reuse``, ``swarm-reuse`` or ``recompute``."""
        return str(self.content["method"])

    @property
    def runs(self) -> int:
        """Number of new runs."""
        return int(self.content["cost"]["runs"])

    @property
    def reasons(self) -> list[str]:
        """Why this method, in sentences."""
        return [str(reason) for reason in self.content["reasons"]]

    @property
    def methods(self) -> Table:
        """A row per method: sampled domains, new runs, and the average loss that it is expected to reach (`None` if unknown)."""
        fields = ("method", "domains", "runs", "expected_loss")
        methods = self.content["alternatives"]
        return Table({field: [method[field] for method in methods] for field in fields})

    def __repr__(self) -> str:
        return f"Plan: {self.method}, {self.runs} runs"

    def _repr_html_(self) -> str:
        from html import escape

        from ._html import section, table

        methods = self.methods
        reasons = "".join(f"<p>{escape(reason)}</p>" for reason in self.reasons)
        return section(repr(self), reasons, table(list(methods), methods.rows()) if methods.height else "")


class Project:
    """A project that `olmix init` made: its history and its plans.

    Parameters
    ----------
    folder : path
        The project's folder, or any folder inside.

    Raises
    ------
    olmix.errors.FileError
        Where there is no such folder.

    Notes
    -----
    Every method runs the command of its name, and raises its refusals: `olmix.errors.InputError` with what to do, such as
    for a record that there is not, or a folder that is no project. Each is one transaction.

    Examples
    --------
    >>> import olmix, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     project = olmix.examples.project(f"{folder}/house")
    ...     log = project.log()
    >>> log["title"][0], log["runs"][2]
    ('first mixture', 40)
    """

    def __init__(self, folder: str | os.PathLike[str] = ".") -> None:
        self.folder: str = os.path.abspath(os.fspath(folder))
        if not os.path.isdir(self.folder):
            raise FileError("there is no such folder", file=self.folder, help="make a project with `olmix init`")

    def _run(self, *words: str, progress: Any = False) -> Any:
        from ._command import run

        return run([*words, "--project", self.folder], progress=progress)

    def log(self, *, all: bool = False) -> Any:
        """Return the history: a row per record, the newest first.

        Parameters
        ----------
        all : bool
            All records, not only the newest 30.

        Returns
        -------
        table
            Name, kind, title, parents, time (UTC), runs, gain (share of the loss) and tags of each record.

        Examples
        --------
        >>> import olmix, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = olmix.examples.project(f"{folder}/house").log()
        >>> list(log["name"])
        ['main@1', 'fit@1', 'swarm@1', 'domains@1']
        """
        records: list[dict[str, Any]] = self._run("log", *(["--all"] if all else []))
        columns: dict[str, list[Any]] = {field: [record[field] for record in records] for field in ("name", "kind", "title")}
        columns["parents"] = [", ".join(record["parents"]) for record in records]
        columns["created"] = [record["created"] for record in records]
        columns["runs"] = [record["cost"]["runs"] for record in records]
        columns["gain"] = [record["gain"] for record in records]
        columns["tags"] = [", ".join(record["tags"] or []) for record in records]
        return like(None, columns)

    def show(self, record: str) -> dict[str, Any]:
        """Return all that is known of a record, as plain values.

        Parameters
        ----------
        record : str
            Its name, such as ``"main@2"``; ``"main"`` is the newest of the line.

        Returns
        -------
        dict
            What ``olmix show --json`` prints.

        Raises
        ------
        olmix.errors.InputError
            Where there is no such record.

        Examples
        --------
        >>> import olmix, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     shown = olmix.examples.project(f"{folder}/house").show("main")
        >>> shown["name"]
        'main@1'
        """
        found: dict[str, Any] = self._run("show", record)
        return found

    def plan(
        self,
        *,
        method: str | None = None,
        runs: int | None = None,
        budget: int | None = None,
        free: Sequence[str] = (),
        write: str | os.PathLike[str] | None = None,
        progress: Any = None,
    ) -> Plan:
        """Plan what to train after updates, before anything is trained.

        Parameters
        ----------
        method : str, optional
            ``full-reuse``, ``partial-reuse``, ``swarm-reuse``, ``recompute`` or ``auto``, which states its reason.
        runs, budget : int, optional
            Number of runs, or the largest number of them.
        free : sequence of str
            Of partial reuse: domains or patterns that are free although the update does not change them.
        write : path, optional
            Folder for the configs of the swarm; the plan is then recorded.
        progress : bool or callable, optional
            See `olmix.fit`; seconds are shown.

        Returns
        -------
        Plan
            Method, runs, reasons, and the loss that each method is expected to reach.

        Raises
        ------
        olmix.errors.InputError
            For methods that the update does not allow, and budgets that are too small.

        Examples
        --------
        >>> import olmix, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     plan = olmix.examples.project(f"{folder}/house").plan()
        >>> plan.runs  # nothing has changed
        0
        """
        words = ["--method", method] if method else []
        words += ["--runs", str(runs)] if runs is not None else []
        words += ["--budget", str(budget)] if budget is not None else []
        words += ["--free", ",".join(free)] if free else []
        words += ["--write", os.fspath(write)] if write is not None else []
        return Plan(self._run("plan", *words, progress=progress))

    def commit(
        self,
        mixture: Mix | str | os.PathLike[str],
        *,
        message: str | None = None,
        line: str | None = None,
        without_runs: bool = False,
    ) -> dict[str, Any]:
        """Record a mixture, with the fit and the swarm behind it.

        Parameters
        ----------
        mixture : Mix or path
            The mixture, or a ``mixture.json``.
        message : str, optional
            Title of the record.
        line : str, optional
            The line of mixtures to continue; ``main`` by default.
        without_runs : bool
            Record a mixture of tables that were in memory: the fit can't be repeated from the project then.

        Returns
        -------
        dict
            What was recorded.

        Raises
        ------
        olmix.errors.InputError
            For a mixture over other domains, and one whose runs are not there without `without_runs`.

        Examples
        --------
        >>> import olmix, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     project = olmix.examples.project(f"{folder}/house")
        ...     mix = olmix.fit(olmix.examples.swarm()).propose(bounds={"books": (0.1, None)})
        ...     mix.save(f"{folder}/mixture.json")
        ...     done = project.commit(f"{folder}/mixture.json", message="again", without_runs=True)
        ...     log = project.log()
        >>> log["title"][0]
        'again'
        """
        import tempfile

        words = ["--message", message] if message else []
        words += ["--line", line] if line else []
        words += ["--without-runs"] if without_runs else []
        if not isinstance(mixture, Mix):
            found: dict[str, Any] = self._run("commit", os.fspath(mixture), *words)
            return found
        with tempfile.TemporaryDirectory(prefix="olmix-") as folder:
            path = os.path.join(folder, "mixture.json")
            mixture.save(path)
            found = self._run("commit", path, *words)
            return found

    def __repr__(self) -> str:
        return f"Project: {self.folder}"


def plan(project: Project | str | os.PathLike[str] = ".", **options: Any) -> Plan:
    """Plan what to train after updates of a project: `Project.plan`.

    Parameters
    ----------
    project : Project or path
        The project, or its folder.
    **options
        As those of `Project.plan`.

    Returns
    -------
    Plan
        Method, runs, reasons, and the loss that each method is expected to reach.

    Examples
    --------
    >>> import olmix
    >>> olmix.plan("no/such/folder")
    Traceback (most recent call last):
    ...
    olmix.errors.FileError: ...there is no such folder
      help: make a project with `olmix init`
    """
    found = project if isinstance(project, Project) else Project(project)
    return found.plan(**options)
