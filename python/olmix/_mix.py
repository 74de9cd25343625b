"""Mixtures: what to train on, what it is predicted to do, and where it goes next."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._results import fit_warnings, predict, write
from ._tables import like
from .errors import InputError
from .notices import FitWarning

if TYPE_CHECKING:
    from . import _olmix

__all__ = ["Mix"]


class Mix:
    """A proposed mixture with its laws: the content of a ``mixture.json``.

    Made by `olmix.Fit.propose` and `olmix.read_mixture`.

    Examples
    --------
    >>> import olmix
    >>> mix = olmix.fit(olmix.examples.swarm()).propose(target_tokens=1e10, repetition=4)
    >>> round(mix.weights["code"], 2), round(mix.epochs["code"], 2)
    (0.36, 4.0)
    """

    def __init__(self, content: bytes | None, *, fit: _olmix.Fit | None = None, maker: str | None = None) -> None:
        self._stored = content
        self._read: dict[str, Any] | None = None
        self._fit = fit
        self._maker = maker
        self._laws: _olmix.Laws | None = None

    @property
    def _bytes(self) -> bytes:
        """The bytes of ``mixture.json``, made where they are asked for."""
        if self._stored is None:
            self._stored = self._fitted().mixture()
        return self._stored

    @property
    def content(self) -> dict[str, Any]:
        """Everything in ``mixture.json`` (docs/mixture-json.md), as plain values."""
        read = self._read
        if read is None:
            read = json.loads(self._bytes)
            self._read = read
        return read

    @property
    def domains(self) -> list[str]:
        """Names of the domains, in the order of the ratios table."""
        return [domain["name"] for domain in self.content["domains"]]

    def _of_domains(self, field: str) -> dict[str, Any]:
        return {domain["name"]: domain[field] for domain in self.content["domains"]}

    @property
    def weights(self) -> dict[str, float]:
        """Share of the run's tokens by domain; they sum to 1."""
        return self._of_domains("weight")

    @property
    def prior(self) -> dict[str, float]:
        """Share in the natural distribution by domain; they sum to 1."""
        return self._of_domains("prior")

    @property
    def ratios(self) -> dict[str, float]:
        """Weight divided by prior, by domain."""
        return self._of_domains("ratio")

    @property
    def epochs(self) -> dict[str, float | None]:
        """How often the run sees the tokens of a domain; `None` where tokens or `target_tokens` are not known."""
        return self._of_domains("epochs")

    @property
    def intervals(self) -> dict[str, tuple[float, float] | None]:
        """Interval of each weight over resamples of the runs; `None` without bootstrap."""
        found = self._of_domains("interval")
        return {name: None if one is None else (one["low"], one["high"]) for name, one in found.items()}

    @property
    def multipliers(self) -> dict[str, float]:
        """Of each constraint that binds: by how much the predicted loss falls per unit of weight that it is loosened."""
        prices: list[dict[str, Any]] = self.content.get("prices") or []
        return {f"{price.get('domain') or price.get('group')} {price['limit']}": price["loosening"] for price in prices}

    @property
    def predicted(self) -> float | None:
        """Predicted average loss at the mixture, weighted by task."""
        return _optional(self.content["predicted"])

    @property
    def natural(self) -> float | None:
        """Predicted average loss at the prior."""
        return _optional(self.content["natural"])

    @property
    def gain(self) -> float | None:
        """By which share of the loss at the prior the mixture is better."""
        return _optional(self.content["gain"])

    @property
    def gain_interval(self) -> tuple[float, float] | None:
        """Interval of the gain over resamples of the runs; `None` without bootstrap."""
        found = self.content["gain_interval"]
        return None if found is None else (found["low"], found["high"])

    @property
    def notices(self) -> list[str]:
        """Notices and warnings, as the command line prints them."""
        return list(self.content["notices"])

    @property
    def warnings(self) -> list[FitWarning]:
        """What speaks against trusting the mixture, with numbers; empty for one that was read from a file."""
        return [] if self._fit is None else fit_warnings(self._fit)

    @property
    def table(self) -> Any:
        """A row per domain: prior, weight, ratio, epochs, cap, and which limit binds."""
        fields = ("prior", "weight", "ratio", "epochs", "cap", "limit")
        domains = self.content["domains"]
        columns = {"domain": self.domains, **{field: [domain[field] for domain in domains] for field in fields}}
        return like(self._maker, columns)

    @property
    def tasks(self) -> Any:
        """A row per task: family, weight, predicted loss at the prior and at the mixture, and the change."""
        tasks = self.content["law"]["tasks"]
        columns: dict[str, list[Any]] = {"task": [task["name"] for task in tasks]}
        for field in ("family", "weight", "natural", "predicted"):
            columns[field] = [task[field] for task in tasks]
        columns["change"] = [
            None if not natural or predicted is None else predicted / natural - 1
            for natural, predicted in zip(columns["natural"], columns["predicted"], strict=True)
        ]
        return like(self._maker, columns)

    def predict(self, mixtures: Any) -> Any:
        """Predict the losses of mixtures.

        Parameters
        ----------
        mixtures : table, array (mixtures × domains) or mapping of str to number
            Shares that sum to 1 within 0.01; a mapping is one mixture, where domains that are not named have none.

        Returns
        -------
        table or array
            Predicted losses, mixtures × tasks: an array for an array, a table of the same package otherwise.

        Raises
        ------
        olmix.errors.InputError
            For other domains, and for what is no mixture.

        Examples
        --------
        >>> import olmix
        >>> mix = olmix.fit(olmix.examples.swarm()).propose()
        >>> mix.predict(mix.weights)["code_python"] < mix.predict(mix.prior)["code_python"]
        True
        """
        return predict(self._all_laws(), mixtures, self.domains, self.task_names, self._maker)

    @property
    def task_names(self) -> list[str]:
        """Names of the tasks."""
        return [task["name"] for task in self.content["law"]["tasks"]]

    def _all_laws(self) -> _olmix.Laws:
        if self._laws is None:
            from . import _olmix

            if self._fit is not None:
                self._laws = self._fit.laws
            else:
                self._laws = _olmix.Laws.of_mixture("mixture.json", self._bytes.decode())
        if not len(self._laws):
            raise InputError("it has no laws: it is the result of a search", file="mixture.json", help="fit a law")
        return self._laws

    def compare(self, other: Mix | Mapping[str, float]) -> Any:
        """Compare with another mixture over the same or other domains.

        Parameters
        ----------
        other : Mix or mapping of str to number
            The other mixture.

        Returns
        -------
        table
            A row per domain of either: both weights and the difference ``other − self``, largest change first.

        Examples
        --------
        >>> import olmix
        >>> fit = olmix.fit(olmix.examples.swarm())
        >>> table = fit.propose().compare(fit.propose(bounds={"books": (0.1, None)}))
        >>> table["domain"][0] in fit.domains
        True
        """
        mine = self.weights
        theirs = dict(other.weights if isinstance(other, Mix) else other)
        names = [*mine, *(name for name in theirs if name not in mine)]
        rows = [(name, mine.get(name, 0.0), float(theirs.get(name, 0.0))) for name in names]
        rows.sort(key=lambda row: -abs(row[2] - row[1]))
        columns = {
            "domain": [row[0] for row in rows],
            "weight": [row[1] for row in rows],
            "other": [row[2] for row in rows],
            "change": [row[2] - row[1] for row in rows],
        }
        return like(self._maker, columns)

    def export(
        self,
        format: str,
        *,
        data: str | os.PathLike[str] | None = None,
        path: str | os.PathLike[str] | None = None,
        target_tokens: float | None = None,
        repetition: float | None = None,
        sequence_length: int | None = None,
        batch_tokens: int | None = None,
        progress: Any = None,
    ) -> str:
        """Export as the configuration of a trainer.

        Parameters
        ----------
        format : str
            Such as ``levanter``, ``olmo-core``, ``megatron``, ``huggingface``, ``csv``: docs/export.md lists all.
        data : path, optional
            A generation config that lists the files of each domain, for formats that name files.
        path : path, optional
            File to write the configuration to.
        target_tokens, repetition, sequence_length, batch_tokens : number, optional
            Tokens of the run, how often it may see each, tokens of a sequence and of a batch; those of the mixture
            where not given.
        progress : bool or callable, optional
            See `olmix.fit`.

        Returns
        -------
        str
            The configuration.

        Raises
        ------
        olmix.errors.InputError
            For what the trainer would read otherwise, and data that can't be used.

        Examples
        --------
        >>> import olmix
        >>> mix = olmix.fit(olmix.examples.swarm()).propose()
        >>> print(mix.export("csv").splitlines()[0])
        domain,weight,tokens,epochs
        """
        from ._command import run

        options: dict[str, str | float | None] = {
            "--data": None if data is None else str(os.path.abspath(data)),
            "--target-tokens": target_tokens,
            "--repetition-factor": repetition,
            "--sequence-length": sequence_length,
            "--batch-tokens": batch_tokens,
        }
        given = [word for flag, value in options.items() if value is not None for word in (flag, str(value))]
        with tempfile.TemporaryDirectory(prefix="olmix-") as folder:
            mixture = os.path.join(folder, "mixture.json")
            with open(mixture, "wb") as file:
                file.write(self._bytes)
            # The configuration names its mixture: by a name that says something, and not by a folder of a moment.
            words = ["export", "--mixture", "mixture.json", "--format", format, *given]
            text: str = run(words, json_output=False, folder=folder, progress=progress)
        if path is not None:
            write(path, text.encode())
        return text

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write ``mixture.json``, which every command of olmix reads.

        Parameters
        ----------
        path : path
            The file, which is replaced; completely or not at all.

        Raises
        ------
        olmix.errors.FileError
            Where it can't be written.

        Examples
        --------
        >>> import olmix, tempfile
        >>> mix = olmix.fit(olmix.examples.swarm()).propose()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mix.save(f"{folder}/mixture.json")
        ...     olmix.read_mixture(f"{folder}/mixture.json").weights == mix.weights
        True
        """
        write(path, self._bytes)

    def report(self, path: str | os.PathLike[str], *, title: str = "Training mixture") -> None:
        """Write the report: one HTML file that needs no network connection.

        Parameters
        ----------
        path : path
            The file, which is replaced.
        title : str
            Title of the page.

        Raises
        ------
        olmix.errors.InputError
            For a mixture that was read from a file: its swarm is not there.

        Examples
        --------
        >>> import olmix, tempfile
        >>> mix = olmix.fit(olmix.examples.swarm()).propose()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     mix.report(f"{folder}/report.html")
        """
        write(path, self._fitted().report(title, "Python: olmix.fit(…).propose(…)").encode())

    @property
    def figures(self) -> dict[str, str]:
        """The figures of the fit as SVG, by name; empty for a mixture that was read from a file."""
        return {} if self._fit is None else dict(self._fit.figures())

    def _fitted(self) -> _olmix.Fit:
        if self._fit is None:
            raise InputError(
                "the mixture was read from a file, which has no swarm", file="mixture.json", help="fit again with olmix.fit"
            )
        return self._fit

    def __repr__(self) -> str:
        order = sorted(self.weights.items(), key=lambda item: -(item[1] or 0.0))
        shown = ", ".join(f"{name} {100 * (weight or 0.0):.1f} %" for name, weight in order[:5])
        more = f" and {len(order) - 5} more" if len(order) > 5 else ""
        gain = "" if self.gain is None else f"; predicted loss {100 * abs(self.gain):.1f} % {'lower' if self.gain >= 0 else 'higher'} than at the prior"
        return f"Mix: {shown}{more}{gain}"

    def _repr_html_(self) -> str:
        from ._html import mixture

        # Prior and proposed share of each domain.
        svg = next((svg for name, svg in self.figures.items() if name.endswith("_optimal")), None)
        return mixture(repr(self), self.content, svg)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self._bytes, self._maker)


def _optional(number: Any) -> float | None:
    return None if number is None else float(number)


def _again(content: bytes, maker: str | None) -> Mix:
    return Mix(content, maker=maker)
