"""Mixtures that an Optuna study proposes, and the swarm that they become."""

from __future__ import annotations

import math
import random
import warnings
from pathlib import Path
from typing import Any

import pytest
from conftest import collect, example, needed
from olmix.errors import InfeasibleError, InputError
from olmix.recording import RunRecorder

optuna = needed("optuna")

from olmix.integrations._simplex import Simplex  # noqa: E402
from olmix.integrations.optuna import add, ask, swarm_tables, tell  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.WARNING)
DOMAINS = ["web:science", "code, \"C++\"", "数学/%{x}", "books."]
OPTIMUM = dict(zip(DOMAINS, (0.5, 0.25, 0.2, 0.05)))


def study(sampler: Any = None, **options: Any) -> Any:
    return optuna.create_study(sampler=sampler or optuna.samplers.RandomSampler(seed=1), **options)


def losses(mixture: dict[str, float]) -> dict[str, float]:
    """Two tasks, whose mean is least at the optimum."""
    squares = [(mixture[name] - OPTIMUM[name]) ** 2 for name in DOMAINS]
    return {"qa": 1 + squares[0] + squares[1], "py": 1 + squares[2] + squares[3]}


def random_bounds(rng: random.Random, number: int) -> dict[str, tuple[float | None, float | None]]:
    """Bounds around a mixture, some of them missing, some a point."""
    parts = [rng.expovariate(1) for _ in range(number)]
    bounds: dict[str, tuple[float | None, float | None]] = {}
    for at, part in enumerate(parts):
        share = part / sum(parts)
        low = share * rng.choice([0, rng.random(), 1])
        high = min(1, share * rng.choice([1, 1 + 3 * rng.random(), 100]))
        bounds[str(at)] = (rng.choice([None, low]), rng.choice([None, high]))
    return bounds


def test_every_point_is_a_mixture_within_the_bounds_and_every_mixture_is_a_point() -> None:
    rng = random.Random(0)
    for case in range(2000):
        number = rng.randrange(1, 40)
        names = [str(at) for at in range(number)]
        simplex = Simplex(names, random_bounds(rng, number) if case % 2 else None)
        point = [rng.choice([0.0, 1.0, rng.random(), rng.random()]) for _ in range(number - 1)]
        mixture = simplex.mixture(point)
        assert math.fsum(mixture.values()) == pytest.approx(1, abs=1e-12)
        for name, least, most in zip(names, simplex.least, simplex.most):
            assert least <= mixture[name] <= most
        again = simplex.mixture(simplex.point(mixture))
        assert again == pytest.approx(mixture, abs=1e-9)


def test_uniform_points_are_uniform_mixtures_where_nothing_is_bounded_above() -> None:
    rng, number, points = random.Random(0), 5, 20_000
    simplex = Simplex([str(at) for at in range(number)], {"1": (0.2, None)})
    draws = [simplex.mixture([rng.random() for _ in range(number - 1)]) for _ in range(points)]
    # What is left above the least share is drawn as by normalized exponentials: mean 1/m, variance
    # (m - 1) / (m² (m + 1)), covariance -1 / (m² (m + 1)).
    variance = (number - 1) / (number**2 * (number + 1))
    free = [[(draw[name] - (0.2 if name == "1" else 0)) / 0.8 for name in draw] for draw in draws]
    for a in range(number):
        mean = sum(draw[a] for draw in free) / points
        assert mean == pytest.approx(1 / number, abs=5 * math.sqrt(variance / points))
        for b in range(number):
            product = sum((draw[a] - 1 / number) * (draw[b] - 1 / number) for draw in free) / points
            expected = variance if a == b else -variance / (number - 1)
            assert product == pytest.approx(expected, abs=8 * variance / math.sqrt(points))


def test_a_study_proposes_runs_that_are_recorded_collected_and_give_its_own_tables(tmp_path: Path) -> None:
    proposes = study(optuna.samplers.TPESampler(seed=0, multivariate=True), storage=f"sqlite:///{tmp_path}/study.db")
    bounds = {"books.": (0.01, 0.3)}
    for _ in range(4):
        # Three runs are trained at once.
        for run in [ask(proposes, DOMAINS, bounds=bounds) for _ in range(3)]:
            with RunRecorder(tmp_path / "runs" / run.run, run.mixture) as recorder:
                recorder.log(10, losses(run.mixture))
            tell(proposes, run, losses(run.mixture))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ratios, metrics = swarm_tables(proposes)
    found = collect(tmp_path / "runs")
    assert ratios["run"] == metrics["run"] == [f"run-{number:04}" for number in range(12)] == list(found.ratios)
    for name in DOMAINS:
        assert [row[name] for row in found.ratios.values()] == ratios[name]
    for name in ("qa", "py"):
        assert [row[name] for row in found.metrics.values()] == metrics[name]
    assert all(0.01 <= share <= 0.3 for share in ratios["books."] if not isinstance(share, str))
    rows: Any = zip(*(ratios[name] for name in DOMAINS))
    values = [sum(losses(dict(zip(DOMAINS, row))).values()) / 2 for row in rows]
    assert proposes.best_value == pytest.approx(min(values), abs=1e-12)


def test_a_study_goes_on_from_the_runs_of_a_swarm() -> None:
    swarm, rng = study(optuna.samplers.TPESampler(seed=0)), random.Random(0)
    mixtures = []
    for number in range(3):
        parts = {name: rng.expovariate(1) for name in DOMAINS}
        mixtures.append({name: part / sum(parts.values()) for name, part in parts.items()})
        add(swarm, DOMAINS, f"run-000{number + 1}", mixtures[-1], losses(mixtures[-1]), weights={"qa": 3, "py": 1})
    values = [trial.value for trial in swarm.trials]
    assert values == [pytest.approx((3 * losses(m)["qa"] + losses(m)["py"]) / 4) for m in mixtures]
    run = ask(swarm, DOMAINS)
    # The name of its number is that of a run that was added.
    assert run.run == "run-0003-again"
    tell(swarm, run.run, losses(run.mixture))
    ratios, _ = swarm_tables(swarm)
    assert ratios["run"] == ["run-0001", "run-0002", "run-0003", "run-0003-again"]
    for name in DOMAINS:
        assert ratios[name] == pytest.approx([mixture[name] for mixture in mixtures] + [run.mixture[name]])
    with pytest.raises(InputError, match="there is a run of this name"):
        add(swarm, DOMAINS, "run-0001", mixtures[0], losses(mixtures[0]))


def test_runs_that_failed_were_pruned_or_are_not_complete_are_left_out_by_name() -> None:
    swarm = study()
    runs = [ask(swarm, DOMAINS) for _ in range(5)]
    tell(swarm, runs[0], {"qa": 1.0})
    tell(swarm, runs[1], None, why="out of memory")
    tell(swarm, runs[2], {"qa": math.nan})
    swarm.tell(runs[3].number, state=optuna.trial.TrialState.PRUNED)
    swarm.ask()
    with pytest.warns(RuntimeWarning) as warned:
        ratios, metrics = swarm_tables(swarm)
    assert str(warned[0].message) == (
        "runs are left out: run-0001 (fail: out of memory), run-0002 (fail: `qa` is not a finite number), "
        "run-0003 (pruned), run-0004 (running), trial 5 (running)"
    )
    assert ratios["run"] == ["run-0000"] and metrics == {"run": ["run-0000"], "qa": [1.0]}
    for again in (runs[0], "run-0001"):
        with pytest.raises(InputError, match="this run is (complete|fail) already"):
            tell(swarm, again, {"qa": 1.0})


def test_the_example_of_the_page_proposes_four_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"train_and_measure": lambda run, mixture: {"arc_easy": 1 + mixture["web"]}}
    exec(example("Optuna"), names)
    assert len(names["ratios"]["run"]) == 4 and all(0.05 <= share <= 0.5 for share in names["ratios"]["code"])
    assert names["metrics"]["arc_easy"] == [1 + share for share in names["ratios"]["web"]]


def test_a_mixture_that_another_process_trains_already_is_named() -> None:
    first = study(optuna.samplers.RandomSampler(seed=7))
    ask(first, DOMAINS)
    # As another process of the same script.
    first.sampler = optuna.samplers.RandomSampler(seed=7)
    with pytest.warns(RuntimeWarning, match="run-0001 has the mixture of run-0000: give samplers"):
        ask(first, DOMAINS)


def test_several_objectives_are_the_losses_that_the_study_names() -> None:
    two = study(directions=["minimize", "maximize"])
    run = ask(two, ["web", "code"])
    with pytest.raises(InputError, match="several objectives"):
        tell(two, run, {"qa": 1.0, "acc": 0.5})
    two.set_metric_names(["qa", "acc"])
    with pytest.raises(InputError, match="there is no loss acc"):
        tell(two, run, {"qa": 1.0})
    tell(two, run, {"acc": 0.5, "other": 3.0, "qa": 1.0})
    assert two.trials[0].values == [1.0, 0.5]


@pytest.mark.parametrize(
    ("domains", "bounds", "error", "says"),
    [
        ([], None, InputError, "are no domains"),
        ("web", None, InputError, "'web' are no domains"),
        (["web", "web"], None, InputError, "domains:web: the domain is named twice"),
        (["web", "a\nb"], None, InputError, "is no name of a domain"),
        (["web", "run"], None, InputError, "'run' is no name of a domain"),
        (["web", "code"], {"math": (0, 1)}, InputError, "bounds:math: there is no such domain"),
        (["web", "code"], {"web": (0.5, 0.4)}, InputError, "from 0.5 to 0.4 is no range"),
        (["web", "code"], {"web": (math.nan, None)}, InputError, "is no range of a share"),
        (["web", "code"], {"web": (0.6, None), "code": (0.5, None)}, InfeasibleError, "the least shares sum to 1.1"),
        (["web", "code"], {"web": (None, 0.6), "code": (None, 0.3)}, InfeasibleError, "the largest shares sum to 0.9"),
    ],
)
def test_domains_and_bounds_that_can_not_be_used_are_refused(
    domains: Any, bounds: Any, error: type[Exception], says: str
) -> None:
    asked = study()
    with pytest.raises(error, match=says):
        ask(asked, domains, bounds=bounds)
    assert asked.trials == [] and asked.user_attrs == {}


def test_what_a_study_was_not_asked_for_is_refused() -> None:
    asked = study()
    run = ask(asked, ["web", "code"], bounds={"web": (0.1, None)})
    with pytest.raises(InputError, match="the study has the domains and bounds"):
        ask(asked, ["code", "web"], bounds={"web": (0.1, None)})
    with pytest.raises(InputError, match="the study has the domains and bounds"):
        ask(asked, ["web", "code"])
    with pytest.raises(InputError, match="study:run-7: the study has not asked for this run"):
        tell(asked, "run-7", {"qa": 1.0})
    with pytest.raises(InputError, match="losses:qa: 'low' is no number"):
        tell(asked, run, {"qa": "low"})  # type: ignore[dict-item]
    with pytest.raises(InputError, match="weights:py: a weight of 1"):
        tell(asked, run, {"qa": 1.0}, weights={"py": 1})
    with pytest.raises(InputError, match="mixture:web: a share of 0.05, outside of 0.1 to 1"):
        add(asked, ["web", "code"], "old", {"web": 0.05, "code": 0.95}, {"qa": 1}, bounds={"web": (0.1, None)})
    with pytest.raises(InputError, match="no run is complete"), pytest.warns(RuntimeWarning, match="run-0000"):
        swarm_tables(asked)
    tell(asked, run, {"qa": 1.0})
    assert swarm_tables(asked)[1] == {"run": ["run-0000"], "qa": [1.0]}
