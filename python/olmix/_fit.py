"""Fits: one law per task, how far to trust them, and the mixtures that follow."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ._config import Changes, arguments, as_edits, as_text, proposal_settings
from ._fitted_law import FittedLaw, LawsByTask
from ._mix import Mix
from ._progress import close, reporter
from ._results import fit_warnings, plain_columns, predict, write
from ._tables import like
from .errors import InputError
from .notices import FitWarning

if TYPE_CHECKING:
    from . import _olmix

__all__ = ["Fit"]


class Fit:
    """Laws fitted to a swarm, with their checks; made by `olmix.fit`.

    Examples
    --------
    >>> import olmix
    >>> fit = olmix.fit(olmix.examples.swarm())
    >>> fit
    Fit: 40 runs, 6 domains, 9 tasks; log-linear; cross-validated RMSE of the average 0.0040
    """

    def __init__(
        self,
        core: _olmix.Fit,
        config: dict[str, Any] | None,
        changes: Changes,
        maker: str | None,
        again: tuple[Any, dict[str, Any]],
    ) -> None:
        self._core = core
        self._config = config
        self._changes = changes
        self._maker = maker
        self._again = again
        self._read: dict[str, Any] | None = None

    @property
    def content(self) -> dict[str, Any]:
        """What ``mixture.json`` would hold without a mixture (docs/mixture-json.md), as plain values."""
        if self._read is None:
            read: dict[str, Any] = json.loads(self._core.mixture())
            self._read = read
        return self._read

    @property
    def domains(self) -> list[str]:
        """Names of the domains, in the order of the ratios table."""
        return self._core.domains

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks."""
        return self._core.tasks

    @property
    def runs(self) -> list[str]:
        """Names of the runs that the laws were fitted to."""
        return self._core.runs

    @property
    def prior(self) -> dict[str, float]:
        """Share in the natural distribution by domain; they sum to 1."""
        return {domain["name"]: domain["prior"] for domain in self.content["domains"]}

    @property
    def laws(self) -> Mapping[str, FittedLaw]:
        """The law of each task."""
        return LawsByTask(self)

    @property
    def cv(self) -> Any:
        """Cross-validated scores: a row for the average and for each task, of runs that the laws had not seen.

        Columns: ``pearson``, ``spearman``, ``rmse`` and ``bias`` (predicted − measured) in the unit of the losses,
        ``regret_at_1`` (loss of the run predicted best above the least) and ``optimism`` (measured − predicted over
        the tenth predicted best).
        """
        checked = self.content["out_of_fold"]
        rows = [] if checked is None else [("average", "", checked["average"])]
        rows += [(t["name"], t["family"], t["out_of_fold"]) for t in self.content["law"]["tasks"] if t["out_of_fold"]]
        columns: dict[str, list[Any]] = {"task": [row[0] for row in rows], "family": [row[1] for row in rows]}
        for score in ("pearson", "spearman", "rmse", "bias", "regret_at_1", "optimism"):
            columns[score] = [row[2][score] for row in rows]
        return like(self._maker, columns)

    @property
    def candidates(self) -> Any:
        """Laws and settings that were tried, with their cross-validated RMSE of the average loss; empty without a choice."""
        tried = self._core.candidates
        return like(self._maker, {"law": [law for law, _ in tried], "rmse": [rmse for _, rmse in tried]})

    @property
    def residuals(self) -> Any:
        """A row per run: cross-validated prediction minus measurement of each task; empty without folds."""
        predicted = self._core.out_of_fold
        if predicted is None:
            return like(self._maker, {"run": []})
        difference = predicted - self._core.losses
        columns = {task: difference[:, i] for i, task in enumerate(self.tasks)}
        return like(self._maker, {"run": self.runs, **columns})

    @property
    def warnings(self) -> list[FitWarning]:
        """What speaks against trusting the laws, with numbers."""
        return fit_warnings(self._core)

    @property
    def notices(self) -> list[str]:
        """What was left out, ignored or changed while the data was read."""
        return self._core.notices

    @property
    def figures(self) -> dict[str, str]:
        """The figures of the fit as SVG, by name."""
        return dict(self._core.figures())

    @property
    def config(self) -> str:
        """The fit config in effect, with every default filled in: what ``config.json`` of `olmix fit` holds.

        It is text (JSON, which is YAML) that `olmix fit` reads and gives the same fit. Paths are as they were given: those
        of a config file are relative to its folder. Tables in memory are not in it.
        """
        return self._core.config

    def predict(self, mixtures: Any) -> Any:
        """Predict the losses of mixtures.

        Parameters
        ----------
        mixtures : table, array (mixtures × domains) or mapping of str to number
            Shares that sum to 1 within 0.01; a mapping is one mixture.

        Returns
        -------
        table, numpy.ndarray or dict
            Losses, mixtures × tasks, in the form in which mixtures were given.

        Examples
        --------
        >>> import olmix
        >>> fit = olmix.fit(olmix.examples.swarm())
        >>> sorted(fit.predict(fit.prior)) == sorted(fit.tasks)
        True
        """
        return predict(self._core.laws, mixtures, self.domains, self.tasks, self._maker)

    def propose(
        self,
        *,
        target_tokens: float | str | None = None,
        repetition: float | None = None,
        kl: float | str | None = None,
        bounds: Mapping[str, Any] | None = None,
        groups: Mapping[str, Any] | None = None,
        objective: Mapping[str, Any] | None = None,
        optimizer: str | None = None,
        bootstrap: int | None = None,
        confidence: float | None = None,
        progress: Any = None,
    ) -> Mix:
        """Solve for the mixture with the lowest predicted average loss.

        Parameters
        ----------
        target_tokens : number or str, optional
            Tokens R of the run that the mixture is for, such as ``2e12`` or ``"2T"``; token caps apply.
        repetition : number, optional
            How often that run may see each token; 4 where caps apply and nothing is given.
        kl : number or ``"auto"``, optional
            Strength λ ≥ 0 of the pull to the prior, in loss per nat; 0.05 by default.
        bounds : mapping, optional
            ``{domain: (least, most)}``, shares from 0 to 1, with ``None`` for no limit.
        groups : mapping, optional
            ``{name: ([domain or pattern, …], least, most)}``, on the summed share.
        objective : mapping, optional
            Guardrails, and what is minimized in place of the average loss, as the section ``objective`` of a config has them
            (docs/fit-config.md): ``{"guardrails": [{"families": ["math"], "max_increase": 0.01}]}`` or
            ``{"minimize": "worst_family"}``.
        optimizer : str, optional
            ``exact`` (with a certificate), ``local``, ``simulation``, ``search`` or a rule.
        bootstrap : int, optional
            Resamples of the runs for intervals; 0 for none, 100 by default.
        confidence : number, optional
            Coverage of the intervals, above 0 and below 1; 0.9 by default.
        progress : bool or callable, optional
            See `olmix.fit`.

        Returns
        -------
        Mix
            The mixture; for the exact optimizer certified to its duality gap. The same input gives the same bits, here
            and on the command line.

        Raises
        ------
        olmix.errors.InfeasibleError
            Where no mixture satisfies the constraints.
        olmix.errors.InputError
            For settings that can't be used, and those that the laws depend on (give these to `olmix.fit`).

        Examples
        --------
        >>> import olmix
        >>> fit = olmix.fit(olmix.examples.swarm())
        >>> mix = fit.propose(bounds={"code": (0.3, None)}, target_tokens=1e10, repetition=4)
        >>> mix.weights["code"] >= 0.3
        True
        """
        changes = proposal_settings(
            target_tokens=target_tokens,
            repetition=repetition,
            kl=kl,
            bounds=bounds,
            groups=groups,
            objective=objective,
            optimizer=optimizer,
            bootstrap=bootstrap,
            confidence=confidence,
        )
        shown = reporter(progress)
        text = None if self._config is None else as_text(self._config, {**self._changes, **changes})
        edits = as_edits(changes) if self._config is None else []
        try:
            with arguments():
                core = self._core.propose(text, edits, shown)
        finally:
            close(shown)
        mix = Mix(None, fit=core, maker=self._maker)
        for warning in mix.warnings:
            warnings.warn(warning, stacklevel=2)
        return mix

    def what_if(self, fixed: Mapping[str, float] | None = None, **settings: Any) -> Mix:
        """Solve again with some domains held at a share.

        Parameters
        ----------
        fixed : mapping of str to number, optional
            Domains and the share that each is held at.
        **settings
            As those of `propose`.

        Returns
        -------
        Mix
            The best mixture with these shares; `Mix.compare` shows what moves.

        Examples
        --------
        >>> import olmix
        >>> fit = olmix.fit(olmix.examples.swarm())
        >>> base, more = fit.propose(), fit.what_if({"books": 0.2})
        >>> round(more.weights["books"], 6), more.predicted > base.predicted
        (0.2, True)
        """
        bounds = dict(settings.pop("bounds", None) or {})
        for domain, share in (fixed or {}).items():
            if domain in bounds:
                raise InputError("it has a bound and a fixed share", file="what_if", place=str(domain), help="give one")
            bounds[domain] = (share, share)
        return self.propose(bounds=bounds, **settings)

    def sweep(
        self,
        *,
        target_tokens: Sequence[float] = (),
        repetition: Sequence[float] = (2, 3, 4, 5),
        kl: Sequence[float] = (0, 0.005, 0.01, 0.05, 0.1),
        progress: Any = None,
    ) -> Any:
        """Solve for every combination of target tokens, repetition factor and λ.

        Parameters
        ----------
        target_tokens : sequence of number
            Tokens R of the run; none for no caps, where `repetition` has no effect.
        repetition : sequence of number
            How often the run may see each token.
        kl : sequence of number
            Strengths λ of the pull to the prior, in loss per nat.
        progress : bool or callable, optional
            See `olmix.fit`.

        Returns
        -------
        table
            A row per combination: settings, predicted loss, caps that bind, effective number of domains, the share of
            each domain, and why there is no mixture where there is none.

        Examples
        --------
        >>> import olmix
        >>> table = olmix.fit(olmix.examples.swarm()).sweep(target_tokens=[1e10, 2e10], repetition=[4], kl=[0.05])
        >>> list(table["caps_binding"])
        [3, 5]
        """
        shown = reporter(progress)
        targets, factors = _numbers(target_tokens, "target_tokens"), _numbers(repetition, "repetition")
        strengths = _numbers(kl, "kl")
        try:
            cells: list[dict[str, Any]] = json.loads(self._core.sweep(targets, factors, strengths, shown))
        finally:
            close(shown)
        fields = ("target_tokens", "repetition_factor", "kl_reg", "predicted", "caps_binding", "effective_domains")
        columns: dict[str, list[Any]] = {field: [cell[field] for cell in cells] for field in fields}
        for j, domain in enumerate(self.domains):
            columns[domain] = [None if cell["weights"] is None else cell["weights"][j] for cell in cells]
        columns["problem"] = [cell["problem"] for cell in cells]
        return like(self._maker, columns)

    def report(self, path: str | os.PathLike[str], *, title: str = "Laws") -> None:
        """Write the report of the laws: one HTML file that needs no network connection.

        Parameters
        ----------
        path : path
            The file, which is replaced.
        title : str
            Title of the page.

        Examples
        --------
        >>> import olmix, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     olmix.fit(olmix.examples.swarm()).report(f"{folder}/report.html")
        """
        write(path, self._core.report(title, "Python: olmix.fit(…)").encode())

    def __repr__(self) -> str:
        content = self.content
        size = f"Fit: {len(self.runs)} runs, {len(self.domains)} domains, {len(self.tasks)} tasks"
        kinds = {task["law"]["type"] for task in content["law"]["tasks"] if task["law"]}
        law = ", ".join(sorted(kinds)).replace("_", "-") or content["law"]["kind"]
        checked = content["out_of_fold"]
        rmse = f"; cross-validated RMSE of the average {checked['average']['rmse']:.4f}" if checked else ""
        return f"{size}; {law}{rmse}"

    def _repr_html_(self) -> str:
        from ._html import figure, section, table

        columns = plain_columns(self.cv)
        rows = list(zip(*columns.values(), strict=True))
        # Predicted and measured average loss of each run.
        svg = next((svg for name, svg in self.figures.items() if name.startswith("avg_all_metrics_")), None)
        return section(repr(self), table(list(columns), rows), figure(svg))

    def __reduce__(self) -> tuple[Any, ...]:
        # A fit is made again from its swarm: the same input gives the same bits.
        from ._fitting import fit_again

        return fit_again, self._again


def _numbers(values: Any, name: str) -> list[float]:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        values = [values]
    try:
        found = [float(value) for value in values]
    except (TypeError, ValueError):
        raise InputError(f"{values!r} are no numbers", file="sweep", place=name, help="give a list of numbers") from None
    least_open = name != "kl"
    for value in found:
        if not (0 <= value < float("inf")) or (least_open and value == 0):
            rule = "above 0" if least_open else "at least 0"
            raise InputError(f"{value:g} is not {rule}", file="sweep", place=name, help=f"give numbers {rule}")
    return found
