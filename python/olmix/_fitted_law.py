"""The law of one task, and the laws of a fit by task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._fit import Fit

__all__ = ["FittedLaw", "LawsByTask"]


class FittedLaw:
    """The law of one task, as `Fit.laws` holds it.

    Examples
    --------
    >>> import olmix
    >>> law = olmix.fit(olmix.examples.swarm()).laws["code_python"]
    >>> law
    code_python: log_linear
    >>> law.coefficients["code"] < 0  # more code, lower loss
    True
    """

    def __init__(self, fit: Fit, position: int) -> None:
        self._fit = fit
        self._position = position
        self._entry: dict[str, Any] = fit.content["law"]["tasks"][position]

    @property
    def task(self) -> str:
        """Name of the task."""
        return str(self._entry["name"])

    @property
    def kind(self) -> str:
        """Which law it is: ``log_linear``, ``saturating``, …."""
        return str(self._entry["law"]["type"])

    @property
    def parameters(self) -> dict[str, Any]:
        """The law's parameters, as ``mixture.json`` has them (docs/mixture-json.md)."""
        return dict(self._entry["law"])

    @property
    def coefficients(self) -> dict[str, float]:
        """What each domain does to the log of the loss, per unit of share: of a log-linear law `t`, of others around the prior."""
        law = self._entry["law"]
        if "t" in law:
            return dict(zip(self._fit.domains, law["t"], strict=True))
        prior = list(self._fit.prior.values())
        row = self._fit._core.laws.effects(prior)[self._position]
        return dict(zip(self._fit.domains, row.tolist(), strict=True))

    def predict(self, mixtures: Any) -> Any:
        """Predict the loss of mixtures.

        Parameters
        ----------
        mixtures : table, array (mixtures × domains) or mapping of str to number
            Shares that sum to 1 within 0.01.

        Returns
        -------
        numpy.ndarray or float
            One loss per mixture; a number for a single mixture.

        Examples
        --------
        >>> import olmix
        >>> fit = olmix.fit(olmix.examples.swarm())
        >>> fit.laws["code_python"].predict(fit.prior) > 0
        True
        """
        from ._mixtures import losses_of, matrix_of

        array, names, alone = matrix_of(mixtures, self._fit.domains)
        column = losses_of(self._fit._core.laws, array, names)[:, self._position]
        return float(column[0]) if alone else column

    def __repr__(self) -> str:
        return f"{self.task}: {self.kind}"


class LawsByTask(Mapping[str, FittedLaw]):
    """The laws by task."""

    def __init__(self, fit: Fit) -> None:
        self._fit = fit

    def __getitem__(self, task: str) -> FittedLaw:
        tasks = self._fit.tasks
        if task not in tasks:
            import difflib

            near = difflib.get_close_matches(task, tasks, 1)
            raise KeyError(f"{task!r}" + (f"; did you mean {near[0]!r}?" if near else f"; the tasks are {tasks[:8]}"))
        return FittedLaw(self._fit, tasks.index(task))

    def __iter__(self) -> Iterator[str]:
        return iter(self._fit.tasks)

    def __len__(self) -> int:
        return len(self._fit.tasks)

    def __repr__(self) -> str:
        return f"laws of {len(self)} tasks: {', '.join(list(self)[:6])}{', …' if len(self) > 6 else ''}"
