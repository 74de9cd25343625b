"""From a swarm to laws: `olmix.fit`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from ._config import arguments, as_edits, as_text, fit_settings
from ._fit import Fit
from ._progress import close, reporter
from ._swarm import Swarm
from ._tables import is_path
from .errors import InputError
from .notices import OlmixNotice

__all__ = ["fit", "fit_again"]


def fit_again(swarm: Any, given: dict[str, Any]) -> Fit:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fit(swarm, **given)


def fit(
    swarm: Swarm | str | os.PathLike[str] | Mapping[str, Any],
    law: str | None = None,
    *,
    directions: Mapping[str, str] | None = None,
    tasks: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
    drop: Sequence[str] = (),
    weights: Mapping[str, float] | None = None,
    granularity: str | None = None,
    ridge: float | str | None = None,
    huber_delta: float | None = None,
    dead_domains: str | None = None,
    n_test: int | None = None,
    folds: int | None = None,
    seed: int | None = None,
    target_tokens: float | str | None = None,
    scale: Mapping[str, float | str] | None = None,
    target: Mapping[str, str | os.PathLike[str]] | None = None,
    preset: str | None = None,
    progress: Any = None,
) -> Fit:
    """Fit one law per task, and check it on runs that it has not seen.

    Parameters
    ----------
    swarm : Swarm, path or mapping
        The measured runs; or a fit config (docs/fit-config.md), as a file or as a mapping, which the other arguments
        then change.
    law : str, optional
        ``auto`` (the law with the lowest cross-validation error; the default), ``log_linear``, ``saturating``,
        ``effective_data``, ``bimix``, ``autoscale``, ``gp``, ``lightgbm`` or ``search``.
    directions : mapping of str to str, optional
        ``{metric or pattern: "max" or "min"}``: which way a metric is better. Metrics are losses otherwise.
    tasks : mapping or sequence, optional
        The metrics that are tasks, by family or as a list; by default all but those that are no tasks.
    drop : sequence of str
        Metrics or patterns that are no tasks.
    weights : mapping of str to number, optional
        Weight of a metric in the average, at least 0; 1 by default.
    granularity : str, optional
        What gets a law: each ``task`` (the default), ``family``, or ``all``.
    ridge : number or ``"auto"``, optional
        Penalty ρ ≥ 0 on the coefficients; ``auto`` chooses it by cross-validation.
    huber_delta : number, optional
        δ > 0 of the Huber loss, in the unit of the losses.
    dead_domains : str, optional
        Domains that no run sampled: ``hold`` (at their prior share; the default) or ``error``.
    n_test : int, optional
        Runs that are set aside to test the laws; above 0 there is no mixture.
    folds : int, optional
        Folds of the cross-validation; 0 for none, 5 by default.
    seed : int, optional
        Seed of every random draw; 0 by default.
    target_tokens : number or str, optional
        Tokens of the run, for laws that depend on it (``autoscale``).
    scale : mapping, optional
        ``{"parameters": "1.2B", "tokens": "40B"}``: the size that losses and mixtures are for, where the runs are of
        several sizes, which columns ``parameters`` and ``tokens`` of the tables say (docs/scale.md).
    target : mapping, optional
        ``{"ratios": path, "metrics": path}``: a few runs of the model that the mixture is for. They calibrate the laws,
        so that losses and mixtures are for it (docs/transfer.md).
    preset : str, optional
        A published method that replaces law, granularity, optimizer and caps.
    progress : bool or callable, optional
        ``None`` shows progress on a terminal and in a notebook, ``False`` nowhere, ``True`` everywhere. A function is
        called with stage, steps done and steps in all, now and then, from this thread; where steps are not known, with
        seconds and 0.

    Returns
    -------
    Fit
        Laws and checks; `Fit.propose` gives mixtures. The same input and seed give the same bits on any number of
        threads, here and on the command line.

    Raises
    ------
    olmix.errors.InputError
        For data and settings that can't be used; `TooFewRunsError` where the law needs more runs.
    KeyboardInterrupt
        By Ctrl-C, within a step of the fit; nothing is left behind.

    Warns
    -----
    olmix.notices.OlmixNotice
        For what was left out or read in another way than one might expect.
    olmix.notices.FitWarning
        For each reason not to trust the laws.

    Notes
    -----
    The method is that of Olmix (arXiv 2602.12237, section 2). Work runs on all cores without the interpreter's lock.

    Examples
    --------
    >>> import olmix
    >>> fit = olmix.fit(olmix.examples.swarm(), law="log_linear", seed=0)
    >>> fit.cv["task"][0], bool(fit.cv["spearman"][0] > 0.9)
    ('average', True)
    """
    from . import _olmix

    given = {
        "law": law,
        "directions": directions,
        "tasks": tasks,
        "drop": drop,
        "weights": weights,
        "granularity": granularity,
        "ridge": ridge,
        "huber_delta": huber_delta,
        "dead_domains": dead_domains,
        "n_test": n_test,
        "folds": folds,
        "seed": seed,
        "target_tokens": target_tokens,
        "scale": scale,
        "target": target,
    }
    if isinstance(swarm, Swarm) and directions:
        given["directions"] = {**swarm.directions, **directions}
    changes = fit_settings(**given)  # type: ignore[arg-type]
    path: str | None = None
    text = ""
    config: dict[str, Any] | None = None
    tables, maker = None, None
    if isinstance(swarm, Swarm):
        config, tables, maker = swarm._config(), swarm._tables, swarm.maker
        text = as_text(config, changes)
    elif isinstance(swarm, Mapping):
        config = dict(swarm)
        text = as_text(config, changes)
    elif is_path(swarm):
        path = os.fspath(swarm)
    else:
        raise InputError(
            f"{type(swarm).__name__} is no swarm", file="fit", place="swarm", help="give an olmix.Swarm, or a fit config"
        )
    edits = as_edits(changes) if path is not None else []
    shown = reporter(progress)
    try:
        with arguments():
            core = _olmix.Fit(path, text, tables, edits, preset, False, shown)
    finally:
        close(shown)
    for notice in core.notices:
        # Sizes of a swarm may have any scale.
        if isinstance(swarm, Swarm) and notice.startswith("priors.relative_sizes sum to"):
            continue
        warnings.warn(notice, OlmixNotice, stacklevel=2)
    fitted = Fit(core, config, changes, maker, (swarm, {**given, "preset": preset}))
    for warning in fitted.warnings:
        warnings.warn(warning, stacklevel=2)
    return fitted
