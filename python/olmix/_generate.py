"""The mixtures of a swarm to train, drawn by `olmix generate`, and of the runs after it, chosen by `olmix next`."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

from ._config import as_text
from ._swarm import _sizes
from ._tables import is_path, like
from .errors import FileError, InputError

__all__ = ["Draws", "generate", "next_runs"]


class Draws:
    """The mixtures of runs to train; made by `olmix.generate` and `olmix.next_runs`.

    Attributes
    ----------
    summary : dict
        What ``olmix generate --json`` or ``olmix next --json`` prints: runs, mixtures, and what they are worth.

    Examples
    --------
    >>> import olmix
    >>> draws = olmix.generate(tokens={"web": 6e9, "code": 9e8}, runs=3)
    >>> draws, len(draws)
    (Draws: 3 mixtures over 2 domains, 3)
    """

    def __init__(self, files: dict[str, bytes], summary: dict[str, Any], like_package: str | None) -> None:
        self._files = files
        self._maker = like_package
        self.summary = summary

    @property
    def mixtures(self) -> dict[str, dict[str, float]]:
        """The mixture of each run: share by domain, by name of the run.

        Examples
        --------
        >>> import olmix
        >>> draws = olmix.generate(tokens={"web": 6e9, "code": 9e8}, runs=3)
        >>> [round(sum(mixture.values()), 6) for mixture in draws.mixtures.values()]
        [1.0, 1.0, 1.0]
        """
        return {run["run"]: run["mixture"] for run in self.summary["variants"]}

    @property
    def ratios(self) -> Any:
        """The table of mixtures that `olmix.Swarm` takes: a row per run, a column per domain."""
        mixtures = self.mixtures
        domains = list(next(iter(mixtures.values())))
        columns: dict[str, list[Any]] = {"run": list(mixtures)}
        for domain in domains:
            columns[domain] = [mixture[domain] for mixture in mixtures.values()]
        return like(self._maker, columns)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write ``ratios.csv``, ``fit.yaml``, the figure and, with a base, the launch configs into a new folder.

        Parameters
        ----------
        folder : path
            The folder, which is made; completely or not at all.

        Raises
        ------
        olmix.errors.FileError
            Where the folder is there already, or can't be written.

        Examples
        --------
        >>> import olmix, os, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     olmix.generate(tokens={"web": 6e9, "code": 9e8}, runs=3).save(f"{folder}/swarm")
        ...     {"fit.yaml", "ratios.csv", "weights.svg"} <= set(os.listdir(f"{folder}/swarm"))
        True
        """
        target: str = os.path.abspath(os.fspath(folder))
        staged: str | None = None
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            if os.path.exists(target):
                raise FileError("it is there already", file=target, help="name a new folder")
            staged = tempfile.mkdtemp(prefix=".olmix-", dir=os.path.dirname(target))
            for name, content in self._files.items():
                path = os.path.join(staged, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(content)
            os.chmod(staged, 0o755)
            os.rename(staged, target)
        except FileError:
            raise
        except OSError as error:
            if staged is not None:
                shutil.rmtree(staged, ignore_errors=True)
            raise FileError(f"can't be written: {error.strerror or error}", file=target, help="check the folder") from error

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.summary["variants"])

    def __repr__(self) -> str:
        mixtures = self.mixtures
        domains = list(next(iter(mixtures.values())))
        return f"Draws: {len(mixtures)} mixtures over {len(domains)} domains"


def generate(
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    *,
    tokens: Mapping[str, float] | None = None,
    prior: Mapping[str, float] | None = None,
    runs: int | None = None,
    replicates: int | None = None,
    design: str | None = None,
    seed: int | None = None,
    base: str | os.PathLike[str] | None = None,
    run_tokens: float | None = None,
    name: str = "swarm",
    progress: Any = None,
) -> Draws:
    """Draw the mixtures of a swarm to train.

    Parameters
    ----------
    config : path or mapping, optional
        A generation config (docs/generation-config.md). Without one, `tokens` or `prior` name the domains.
    tokens, prior : mapping of str to number, optional
        Tokens of each domain, and sizes of the natural distribution that mixtures are spread around.
    runs : int, optional
        Number of mixtures; 3 (m + 1) for m domains where not given.
    replicates : int, optional
        Runs of the prior beside them, which show the noise of each task; 3 to 5 are enough.
    design : str, optional
        ``random``, ``maximin``, ``d_optimal`` or ``v_optimal``.
    seed : int, optional
        Seed of the draws.
    base : path, optional
        A launch config with what all runs share; `Draws.save` then writes one launch config per run.
    run_tokens : number, optional
        Tokens of one run: with `tokens`, no run then sees a domain more often than it may (once). Without it, shares
        are drawn whatever there is of a domain.
    name : str
        Name of the swarm, where there is no config.
    progress : bool or callable, optional
        See `olmix.fit`.

    Returns
    -------
    Draws
        The mixtures. The same input and seed give the same bits, here and on the command line.

    Raises
    ------
    olmix.errors.InputError
        For settings that can't be used.

    Examples
    --------
    >>> import olmix
    >>> olmix.generate(tokens={"web": 6e9, "code": 9e8, "math": 3e8}, runs=8, seed=1)
    Draws: 8 mixtures over 3 domains
    """
    from ._command import run

    if config is None:
        if tokens is None and prior is None:
            raise InputError(
                "nothing names the domains", file="generate", help="give a config, or tokens={domain: tokens}"
            )
        priors: dict[str, Any] = {}
        if prior is not None:
            priors["relative_sizes"] = _sizes(prior, "prior", whole=False)
        if tokens is not None:
            priors["token_counts"] = _sizes(tokens, "tokens", whole=True)
        domains = list(priors.get("token_counts") or priors["relative_sizes"])
        config = {"name": name, "data": {"sources": _sources(domains)}, "priors": priors}
        if run_tokens is None:
            config["swarm"] = {"enable_bound": False}
        else:
            config["max_tokens"] = _sizes({"run_tokens": run_tokens}, "generate", whole=True)["run_tokens"]
    else:
        for argument, value in (("tokens", tokens), ("prior", prior), ("run_tokens", run_tokens)):
            if value is not None:
                raise InputError("a config is given, too", file="generate", place=argument, help="put it into the config")
    words = ["--variants", str(runs)] if runs is not None else []
    words += ["--replicates", str(replicates)] if replicates is not None else []
    words += ["--design", design] if design is not None else []
    words += ["--seed", str(seed)] if seed is not None else []
    words += ["--base", os.fspath(base)] if base is not None else []
    with tempfile.TemporaryDirectory(prefix="olmix-") as folder:
        given: str | None = None
        if isinstance(config, Mapping):
            path = given = os.path.join(folder, "generate.json")
            with open(path, "w", encoding="utf-8") as file:
                file.write(as_text(config, {}))
        elif is_path(config):
            path = str(os.fspath(config))
        else:
            raise InputError(f"{type(config).__name__} is no config", file="generate", help="give a mapping or a path")
        output = os.path.join(folder, "swarm")
        summary: dict[str, Any] = run(
            ["generate", "--config", path, "--output", output, *words], arguments=given, progress=progress
        )
        return Draws(_files(output), summary, None)


def next_runs(
    fit: str | os.PathLike[str],
    *,
    runs: int = 10,
    bootstrap: int | None = None,
    base: str | os.PathLike[str] | None = None,
    data: str | os.PathLike[str] | None = None,
    progress: Any = None,
) -> Draws:
    """Choose the runs whose measurement is worth most for the mixture of a fit.

    Parameters
    ----------
    fit : path
        A fit config, a folder that ``olmix fit`` wrote, or its ``mixture.json``.
    runs : int
        Number of runs to choose.
    bootstrap : int, optional
        Refits to resampled runs, by which a run's worth is told; the config's where not given.
    base, data : path, optional
        A launch config with what all runs share, and the generation config of the swarm: `Draws.save` then writes one
        launch config per run. Both or none.
    progress : bool or callable, optional
        See `olmix.fit`.

    Returns
    -------
    Draws
        The mixtures, the one worth most first. ``summary["regret"]`` is what stopping now costs, in the unit of the
        losses, and ``summary["variants"][k]["regret_after"]`` what is left of it after k + 1 runs.

    Raises
    ------
    olmix.errors.InputError
        For a fit without laws, and where more runs are asked for than can differ.

    Examples
    --------
    >>> import olmix, pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "r.csv").write_text("run,web,code\\na,0.1,0.9\\nb,0.3,0.7\\nc,0.5,0.5\\nd,0.7,0.3\\n")
    >>> _ = (folder / "m.csv").write_text("run,loss_x\\na,1.4\\nb,1.1\\nc,1.0\\nd,1.2\\n")
    >>> tables = "swarm: {ratios: r.csv, metrics: m.csv}\\npriors: {relative_sizes: {web: 1, code: 1}}\\n"
    >>> _ = (folder / "fit.yaml").write_text(tables + "regression: {type: saturating}\\n")
    >>> olmix.next_runs(folder / "fit.yaml", runs=2)
    Draws: 2 mixtures over 2 domains
    """
    from ._command import run

    words = ["next", str(os.fspath(fit)), "--runs", str(runs)]
    words += ["--bootstrap", str(bootstrap)] if bootstrap is not None else []
    words += ["--base", os.fspath(base)] if base is not None else []
    words += ["--data", os.fspath(data)] if data is not None else []
    with tempfile.TemporaryDirectory(prefix="olmix-") as folder:
        output = os.path.join(folder, "next")
        summary: dict[str, Any] = run([*words, "--output", output], progress=progress)
        return Draws(_files(output), {**summary, "variants": summary["runs"]}, None)


def _sources(domains: list[str]) -> list[dict[str, Any]]:
    """Domains named `source:topic:quality` as a tree; nothing is read of their paths."""
    tree: dict[str, Any] = {}
    for domain in domains:
        into = tree
        for part in domain.split(":"):
            into = into.setdefault(part, {})

    def node(level: int, part: str, inner: dict[str, Any], full: str) -> dict[str, Any]:
        if not inner:
            return {"name": part, "paths": [f"{full.replace(':', '/')}/*"]}
        children = [node(level + 1, name, below, f"{full}:{name}") for name, below in inner.items()]
        return {"name": part, ("topics", "quality")[level]: children}

    if any(len(domain.split(":")) > 3 for domain in domains):
        raise InputError("domains have at most three levels", file="generate", help="name them source:topic:quality")
    return [node(0, part, inner, part) for part, inner in tree.items()]


def _files(folder: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for parent, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found
