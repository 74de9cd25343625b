"""Swarms: measured runs, with how much data there is."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._columns import columns_of
from ._tables import is_path, maker_of
from .errors import InputError

if TYPE_CHECKING:
    from . import _olmix

__all__ = ["Swarm"]


class Swarm:
    """Measured runs: a mixture and metrics for each, and how much data each domain has.

    Parameters
    ----------
    ratios : table or path
        A row per run with the share of each domain, and a column (or pandas index) of run names: ``run``, ``run_id``
        or ``index``. Shares sum to 1 within 0.01. A data frame of pandas, polars or pyarrow, anything with the Arrow C
        interface, a mapping of columns, or the path of a CSV file.
    metrics : table or path
        A row per run with what was measured, joined by run name. Losses, unless `directions` says otherwise.
    tokens : mapping of str to number, optional
        Tokens of each domain. They are the prior where `prior` is not given, and token caps need them.
    prior : mapping of str to number, optional
        Size of each domain in the natural distribution, of any scale.
    directions : mapping of str to str, optional
        ``{metric or pattern: "max" or "min"}``: which way a metric is better. Metrics are losses otherwise.

    Raises
    ------
    olmix.errors.InputError
        For tables that can't be used, with the table and the row; for sizes that are no positive numbers.

    Examples
    --------
    >>> import olmix
    >>> swarm = olmix.Swarm(
    ...     ratios={"run": ["a", "b", "c"], "web": [0.9, 0.5, 0.2], "code": [0.1, 0.5, 0.8]},
    ...     metrics={"run": ["a", "b", "c"], "bpb": [1.2, 1.0, 1.1]},
    ...     tokens={"web": 6e9, "code": 9e8},
    ... )
    >>> swarm
    Swarm: 3 runs, domains web, code
    """

    def __init__(
        self,
        ratios: Any,
        metrics: Any,
        *,
        tokens: Mapping[str, float] | None = None,
        prior: Mapping[str, float] | None = None,
        directions: Mapping[str, str] | None = None,
    ) -> None:
        self.ratios = ratios
        self.metrics = metrics
        self.tokens = None if tokens is None else _sizes(tokens, "tokens", whole=True)
        self.directions = dict(directions or {})
        self.prior = None if prior is None else _sizes(prior, "prior", whole=False)
        if self.tokens is None and self.prior is None:
            raise InputError(
                "nothing says how much data each domain has",
                file="Swarm",
                help="give tokens={domain: tokens}, or prior={domain: size} where they were not counted",
            )
        self._tables: _olmix.Tables | None = None
        if not (is_path(ratios) and is_path(metrics)):
            self._tables = self._in_memory()

    def _in_memory(self) -> _olmix.Tables:
        from . import _olmix

        def given(table: Any, name: str) -> tuple[str, Any]:
            if is_path(table):
                path: str | os.PathLike[str] = table
                return os.fspath(path), None
            return name, columns_of(table, name)

        return _olmix.Tables(*given(self.ratios, "ratios"), *given(self.metrics, "metrics"))

    @property
    def maker(self) -> str | None:
        """The package that tables are given back of: that of `ratios`, or of `metrics`."""
        return maker_of(self.ratios) or maker_of(self.metrics)

    def _config(self) -> dict[str, Any]:
        """The sections `swarm` and `priors` of a fit config."""
        priors: dict[str, Any] = {}
        if self.prior is not None:
            priors["relative_sizes"] = self.prior
        if self.tokens is not None:
            priors["token_counts"] = self.tokens
        config: dict[str, Any] = {"priors": priors}
        if self.directions:
            config["filtering"] = {"directions": self.directions}
        if self._tables is None:
            config["swarm"] = {"ratios": os.fspath(self.ratios), "metrics": os.fspath(self.metrics)}
        return config

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_tables": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not (is_path(self.ratios) and is_path(self.metrics)):
            self._tables = self._in_memory()

    def __repr__(self) -> str:
        if self._tables is None:
            return f"Swarm: {os.fspath(self.ratios)}, {os.fspath(self.metrics)}"
        domains = self._tables.domains
        shown = ", ".join(domains[:6]) + (f" and {len(domains) - 6} more" if len(domains) > 6 else "")
        return f"Swarm: {self._tables.runs} runs, domains {shown}"


def _sizes(sizes: Any, name: str, *, whole: bool) -> dict[str, float]:
    """Sizes as plain numbers, above 0."""
    if hasattr(sizes, "to_dict") and not isinstance(sizes, Mapping):
        sizes = sizes.to_dict()
    if not isinstance(sizes, Mapping):
        raise InputError(f"{type(sizes).__name__} is no mapping", file=name, help="give {domain: number}")
    found: dict[str, float] = {}
    given: dict[Any, Any] = dict(sizes)  # pyright: ignore[reportUnknownArgumentType]
    for domain, size in given.items():
        try:
            number = float(size)
        except (TypeError, ValueError, OverflowError):
            raise InputError(
                f"{str(size)[:40]!r} is no number that counts", file=name, place=str(domain), help="give a number above 0"
            ) from None
        if not 0 < number < math.inf:
            raise InputError(f"{number:g} is no size", file=name, place=str(domain), help="give a number above 0")
        if whole and number != math.floor(number):
            raise InputError(f"{number!r} is no number of tokens", file=name, place=str(domain), help="give whole tokens")
        found[str(domain)] = int(number) if whole else number
    if not found:
        raise InputError("it is empty", file=name, help="give every domain its size")
    return found
