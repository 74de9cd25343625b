"""An Optuna study that proposes the mixtures of the next runs, and the swarm that these become."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import SupportsFloat, cast

from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState, create_trial

from .._checks import RESERVED, checked_mixture, checked_number, is_name
from ..errors import InputError
from ._simplex import Simplex

__all__ = ["Proposal", "add", "ask", "swarm_tables", "tell"]

#: Attributes of trials, and of a study: those of losses and failures end with the name of the run.
MIXTURE, RUN, DOMAINS, LOSSES, WHY = "olmix:mixture", "olmix:run", "olmix:domains", "olmix:losses:", "olmix:failed:"

Bounds = Mapping[str, "tuple[float | None, float | None]"]


@dataclass(frozen=True)
class Proposal:
    """A run that a study asks for: its name, the mixture to train it on, and the number of its trial."""

    run: str
    mixture: dict[str, float]
    number: int


def ask(study: Study, domains: Sequence[str], *, bounds: Bounds | None = None) -> Proposal:
    """Ask a study for the mixture of the next run.

    Parameters
    ----------
    study : optuna.study.Study
        Any study; those with several objectives need `set_metric_names`.
    domains : sequence of str
        Names of the domains, the same in every call. They may have any characters but control characters.
    bounds : mapping of str to (float or None, float or None), optional
        Least and largest shares of domains, the same in every call.

    Returns
    -------
    Proposal
        A mixture within the bounds, to the last bit; its shares sum to 1 within rounding.

    Raises
    ------
    olmix.errors.InputError
        Domains or bounds that can't be used, or are not those of earlier calls.
    olmix.errors.InfeasibleError
        No mixture is within the bounds.

    Warns
    -----
    RuntimeWarning
        The mixture is that of another run: several processes ask with samplers of one seed.

    Notes
    -----
    A mixture of `m` domains has `m - 1` parameters in [0, 1], named ``mixture:DOMAIN``: which part a domain takes
    of what the ones before it left, between the least and the most that the bounds allow. Each mixture is one
    point, and none is rejected; without largest shares, uniform parameters are uniform mixtures. A share of 0 is
    at the edge of the space, and samplers seldom propose it.

    Several runs may be asked for before the first is told. `TPESampler` of Optuna before 5 should then have
    ``constant_liar=True``, or proposals are near one another.

    Examples
    --------
    >>> import optuna
    >>> from olmix.integrations.optuna import ask
    >>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    >>> run = ask(study, ["web", "code", "math"], bounds={"code": (0.25, None)})
    >>> run.run, run.mixture["code"] >= 0.25, round(sum(run.mixture.values()), 12)
    ('run-0000', True, 1.0)
    """
    simplex = _simplex(study, domains, bounds)
    names = _parameters(simplex)
    trial = study.ask({name: FloatDistribution(0, 1) for name in names})
    mixture = simplex.mixture([float(trial.params[name]) for name in names])
    others = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
    taken = {other.user_attrs.get(RUN) for other in others}
    run = f"run-{trial.number:04}"
    while run in taken:
        run += "-again"
    twin = next((other for other in others if names and other.params == trial.params), None)
    if twin is not None:
        text = f"{run} has the mixture of {twin.user_attrs.get(RUN)}: give samplers of several processes different seeds"
        warnings.warn(text, RuntimeWarning, stacklevel=2)
    trial.set_user_attr(RUN, run)
    trial.set_user_attr(MIXTURE, mixture)
    return Proposal(run, mixture, trial.number)


def tell(
    study: Study,
    run: Proposal | str,
    losses: Mapping[str, SupportsFloat] | None,
    *,
    weights: Mapping[str, float] | None = None,
    why: str = "",
) -> None:
    """Tell a study what was measured of a run.

    Parameters
    ----------
    study : optuna.study.Study
        The study that was asked.
    run : Proposal or str
        What `ask` returned, or the name of the run.
    losses : mapping of str to number, or None
        Loss of every task. `None` is a run that failed, as are losses that are not finite.
    weights : mapping of str to float, optional
        Weights of tasks in the objective; by default all weigh the same.
    why : str
        Why it failed, for people.

    Raises
    ------
    olmix.errors.InputError
        There is no such run, or it was told already; losses or weights can't be used.

    Notes
    -----
    The objective is the weighted mean of the losses; whether less of it is better is the study's `direction`. With
    several objectives they are the losses that the study's `metric_names` name.

    Examples
    --------
    >>> import optuna
    >>> from olmix.integrations.optuna import ask, tell
    >>> study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    >>> run = ask(study, ["web", "code"])
    >>> tell(study, run, {"qa": 2.0, "python": 1.0})
    >>> study.best_value
    1.5
    """
    name = run if isinstance(run, str) else run.run
    trial = _trial(study, name)
    if trial.state != TrialState.RUNNING:
        state = trial.state.name.lower()
        raise InputError(f"this run is {state} already", file="study", place=name, help="tell every run once")
    values = None if losses is None else _values(study, losses, weights)
    if losses is not None:
        told = {task: float(loss) for task, loss in losses.items()}
        wrong = [task for task, loss in told.items() if not math.isfinite(loss)]
        if not wrong:
            study.set_user_attr(LOSSES + name, told)
            study.tell(trial.number, values)
            return
        why = why or f"`{wrong[0]}` is not a finite number"
    study.set_user_attr(WHY + name, why)
    study.tell(trial.number, state=TrialState.FAIL)


def add(
    study: Study,
    domains: Sequence[str],
    run: str,
    mixture: Mapping[str, SupportsFloat],
    losses: Mapping[str, SupportsFloat],
    *,
    bounds: Bounds | None = None,
    weights: Mapping[str, float] | None = None,
) -> None:
    """Add a run that was measured before, so that the study goes on from a swarm.

    Parameters
    ----------
    study, domains, bounds
        As for `ask`.
    run : str
        Name of the run.
    mixture : mapping of str to number
        What it was trained on. Shares sum to 1 within 0.01, and are divided by their sum; those of domains that
        are not named are 0.
    losses, weights
        As for `tell`; finite.

    Raises
    ------
    olmix.errors.InputError
        A mixture outside of the bounds, a run that is there, or what `ask` and `tell` refuse.

    Examples
    --------
    >>> import optuna
    >>> from olmix.integrations.optuna import add
    >>> study = optuna.create_study()
    >>> add(study, ["web", "code"], "natural", {"web": 0.9, "code": 0.1}, {"qa": 2.0, "python": 1.0})
    >>> study.best_value
    1.5
    """
    simplex = _simplex(study, domains, bounds)
    if not is_name(run):
        raise InputError(f"{run!r} is no name of a run", help="name it otherwise")
    if any(trial.user_attrs.get(RUN) == run for trial in study.get_trials(deepcopy=False)):
        raise InputError("there is a run of this name", file="study", place=run, help="add every run once")
    checked = checked_mixture(mixture)
    total = math.fsum(checked.values())
    values = _values(study, losses, weights)
    told = {name: float(value) for name, value in losses.items()}
    for name, value in told.items():
        if not math.isfinite(value):
            raise InputError(f"a loss of {value:g}", file=run, place=name, help="leave the run out")
    names = _parameters(simplex)
    distributions: dict[str, BaseDistribution] = {name: FloatDistribution(0, 1) for name in names}
    params = dict(zip(names, simplex.point(checked)))
    shares = {name: checked.get(name, 0.0) / total for name in simplex.domains}
    study.set_user_attr(LOSSES + run, told)
    attributes = {RUN: run, MIXTURE: shares}
    study.add_trial(create_trial(values=values, params=params, distributions=distributions, user_attrs=attributes))


Table = dict[str, "list[str] | list[float]"]


def swarm_tables(study: Study) -> tuple[Table, Table]:
    """Return the runs of a study as the two tables of a swarm.

    Parameters
    ----------
    study : optuna.study.Study
        A study that was asked and told.

    Returns
    -------
    ratios : dict of columns
        ``run`` and a column of shares for every domain.
    metrics : dict of columns
        ``run`` and a column of losses for every task; NaN where a run has none.

    Raises
    ------
    olmix.errors.InputError
        No run is complete.

    Warns
    -----
    RuntimeWarning
        The names of runs that failed, were pruned or are not complete, which are left out.

    Examples
    --------
    >>> import optuna
    >>> from olmix.integrations.optuna import add, swarm_tables
    >>> study = optuna.create_study()
    >>> add(study, ["web", "code"], "natural", {"web": 0.75, "code": 0.25}, {"qa": 2.0})
    >>> ratios, metrics = swarm_tables(study)
    >>> ratios
    {'run': ['natural'], 'web': [0.75], 'code': [0.25]}
    >>> metrics
    {'run': ['natural'], 'qa': [2.0]}
    """
    told = study.user_attrs
    runs: list[str] = []
    mixtures: list[dict[str, float]] = []
    losses: list[dict[str, float]] = []
    left_out: list[str] = []
    for trial in study.get_trials(deepcopy=False):
        name = str(trial.user_attrs.get(RUN, f"trial {trial.number}"))
        if trial.state == TrialState.COMPLETE and MIXTURE in trial.user_attrs and LOSSES + name in told:
            runs.append(name)
            mixtures.append(trial.user_attrs[MIXTURE])
            losses.append(told[LOSSES + name])
            continue
        state = trial.state.name.lower() if trial.state != TrialState.COMPLETE else "not told by `tell`"
        why = told.get(WHY + name)
        left_out.append(f"{name} ({state}{f': {why}' if why else ''})")
    if left_out:
        warnings.warn(f"runs are left out: {', '.join(left_out)}", RuntimeWarning, stacklevel=2)
    if not runs:
        raise InputError("no run is complete", file="study", help="tell it the losses of runs")
    return {"run": runs, **_columns(mixtures, 0.0)}, {"run": list(runs), **_columns(losses, math.nan)}


def _columns(rows: list[dict[str, float]], missing: float) -> dict[str, list[float]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [float(row.get(name, missing)) for row in rows] for name in names}


def _simplex(study: Study, domains: Sequence[str], bounds: Bounds | None) -> Simplex:
    """The space of the study. Its parameters have a meaning for these domains and bounds alone."""
    simplex = Simplex(domains, bounds)
    own = [[name, low, high] for name, low, high in zip(simplex.domains, simplex.least, simplex.most)]
    known = cast("list[list[object]] | None", study.user_attrs.get(DOMAINS))
    if known is None:
        study.set_user_attr(DOMAINS, own)
    elif known != own:
        raise InputError(
            f"the study has the domains and bounds {known}, and {own} are given",
            file="study",
            help="give the same ones in the same order, or `add` the runs to another study",
        )
    return simplex


def _parameters(simplex: Simplex) -> list[str]:
    return [f"mixture:{name}" for name in simplex.domains[:-1]]


def _trial(study: Study, name: str) -> FrozenTrial:
    for trial in study.get_trials(deepcopy=False):
        if trial.user_attrs.get(RUN) == name:
            return trial
    raise InputError("the study has not asked for this run", file="study", place=name, help="check its name")


def _values(study: Study, losses: Mapping[str, SupportsFloat], weights: Mapping[str, float] | None) -> list[float]:
    """The objectives of a run, after checking its losses."""
    values: dict[str, float] = {}
    for name, value in losses.items():
        if not is_name(name) or name in RESERVED:
            raise InputError(f"{name!r} is no name of a task", file="losses", help="name it otherwise")
        values[name] = checked_number(value, "losses", name)
    if not values:
        raise InputError("there is no loss", file="losses", help="give one, or None for a run that failed")
    if len(study.directions) > 1:
        names = study.metric_names
        missing = [name for name in names or [] if name not in values]
        if names is None or missing or weights is not None:
            what = "the study has several objectives" + (f", and there is no loss {missing[0]}" if missing else "")
            help = "name the loss of each with `study.set_metric_names`, and give no weights"
            raise InputError(what, file="losses", help=help)
        return [values[name] for name in names]
    weight = dict.fromkeys(values, 1.0) if weights is None else dict(weights)
    for name in weight:
        if name not in values or not 0 <= weight[name] < math.inf:
            help = "give finite weights of at least 0, of the tasks that have a loss"
            raise InputError(f"a weight of {weight[name]:g}", file="weights", place=name, help=help)
    total = math.fsum(weight.values())
    if total <= 0:
        raise InputError("the weights sum to 0", file="weights", help="give one above 0")
    return [math.fsum(weight[name] * values[name] for name in weight) / total]
