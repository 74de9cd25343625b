"""Bad input: one clear exception of the right type, with what to do, and nothing half-changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import needed

import olmix
from olmix.errors import FileError, InfeasibleError, InputError, OlmixError, TooFewRunsError

R, M = olmix.examples.tables()
TOKENS: dict[str, Any] = dict(olmix.examples.swarm().tokens or {})


def changed(table: dict[str, list[Any]], **columns: Any) -> dict[str, Any]:
    return {**table, **columns}


def with_cell(table: dict[str, list[Any]], column: str, row: int, cell: Any) -> dict[str, Any]:
    cells = list(table[column])
    cells[row] = cell
    return changed(table, **{column: cells})


def without(table: dict[str, Any], column: str) -> dict[str, Any]:
    return {name: cells for name, cells in table.items() if name != column}


def frame(table: dict[str, Any]) -> Any:
    return needed("pandas").DataFrame(table)


def swarm(ratios: Any = R, metrics: Any = M, **options: Any) -> olmix.Swarm:
    return olmix.Swarm(ratios, metrics, **{"tokens": TOKENS, **options})


def fitted(ratios: Any = R, metrics: Any = M, **options: Any) -> olmix.Fit:
    return olmix.fit(swarm(ratios, metrics, **options))


def two_columns_of_a_name() -> Any:
    table = frame(R)
    table.columns = ["run", "a", "a", "b", "c", "d", "e"]
    return table


CASES: dict[str, tuple[Callable[[], Any], type[OlmixError], str]] = {
    "an index that only numbers rows": (lambda: swarm(frame(without(R, "run"))), InputError, "only numbers the rows"),
    "an index of two levels": (
        lambda: swarm(frame(R).assign(k=1).set_index(["run", "k"])), InputError, "the index has 2 levels"),
    "columns on two levels": (
        lambda: swarm(needed("pandas").concat({"a": frame(R)}, axis=1)), InputError, "names on several levels"),
    "two columns of one name": (lambda: swarm(two_columns_of_a_name()), InputError, "column `a` occurs twice"),
    "two runs of one name": (lambda: swarm(with_cell(R, "run", 3, "run-00")), InputError, "run `run-00` occurs twice, first on row 0"),
    "a run without a name": (lambda: swarm(with_cell(R, "run", 3, None)), InputError, "row 3: the run id (column `run`) is empty"),
    "run names that match nowhere": (
        lambda: fitted(M=None) if False else fitted(R, changed(M, run=[f"x{i}" for i in range(40)])), InputError, "no run is in both"),
    "a share that is text": (lambda: fitted(with_cell(R, "code", 2, "much")), InputError, "has `much` in column `code`, which is not a number"),
    "an object column of lists": (lambda: fitted(with_cell(R, "code", 2, [1, 2])), InputError, "column `code` holds list values"),
    "complex numbers": (lambda: swarm(changed(R, code=np.array(R["code"]) + 1j)), InputError, "of type complex128"),
    "a negative share": (lambda: fitted(with_cell(R, "code", 2, -0.4)), InputError, "has the negative ratio -0.4"),
    "shares that do not sum to 1": (lambda: fitted(with_cell(R, "code", 2, 0.9)), InputError, "do not sum to 1"),
    "columns of other lengths": (lambda: swarm(changed(R, code=R["code"][:-1])), InputError, "has 39 cells"),
    "a column of two dimensions": (lambda: swarm(changed(R, code=np.zeros((40, 2)))), InputError, "shape (40, 2)"),
    "a column that is one value": (lambda: swarm(changed(R, code=0.5)), InputError, "a single value"),
    "a column that is a generator": (lambda: swarm(changed(R, code=iter(R["code"]))), InputError, "a generator"),
    "a table that is a generator": (lambda: swarm(iter([R])), InputError, "a generator"),
    "an array that is no table": (lambda: swarm(np.zeros((3, 3))), InputError, "ndarray is no table"),
    "no columns": (lambda: swarm({}), InputError, "has no columns"),
    "no rows": (lambda: swarm({name: [] for name in R}), InputError, "no row"),
    "a file that is not there": (lambda: olmix.fit(olmix.Swarm("no.csv", "no.csv", tokens=TOKENS)), InputError, "does not exist"),
    "a table that is not there": (lambda: swarm("no.csv"), FileError, "no.csv"),
    "tokens that lack a domain": (lambda: fitted(tokens=without(TOKENS, "code")), InputError, "code"),
    "tokens that are not numbers": (lambda: swarm(tokens={**TOKENS, "code": math.nan}), InputError, "nan is no size"),
    "tokens that are text": (lambda: swarm(tokens={**TOKENS, "code": "many"}), InputError, "'many' is no number"),
    "tokens that no number holds": (lambda: swarm(tokens={**TOKENS, "code": 10**400}), InputError, "is no number"),
    "a series in place of a table": (lambda: swarm(frame(R)["code"]), InputError, "one column, and no table"),
    "a metric that is the same in all runs": (
        lambda: fitted(R, {**M, "same": [1.0] * 40}), InputError, 'give drop=["same"]'),
    "a score without a direction": (lambda: fitted(R, {**M, "acc": M["code_sql"]}), InputError, 'directions={"acc": "max"}'),
    "a format that there is not": (
        lambda: olmix.fit(swarm(), folds=0).propose(bootstrap=0).export("levantr"), InputError, "format: it can't be 'levantr'"),
    "a design that there is not": (lambda: olmix.generate(tokens=TOKENS, design="best"), InputError, "design"),
    "no runs to draw": (lambda: olmix.generate(tokens=TOKENS, runs=0), InputError, "runs: 0 is not in"),
    "tokens of a part": (lambda: swarm(tokens={**TOKENS, "code": 0.5}), InputError, "no number of tokens"),
    "no sizes": (lambda: olmix.Swarm(R, M), InputError, "how much data each domain has"),
    "metrics that are missing everywhere": (
        lambda: fitted(R, changed(M, code_python=[None] * 40)), InputError, "no run is left"),
    "too few runs": (
        lambda: olmix.fit(swarm({name: cells[:4] for name, cells in R.items()}), law="log_linear", folds=0), TooFewRunsError, "4"),
    "a law that there is not": (lambda: olmix.fit(swarm(), law="log-linear"), InputError, "law"),
    "a direction that there is not": (lambda: olmix.fit(swarm(), directions={"code_python": "up"}), InputError, "directions"),
    "a direction of no metric": (lambda: olmix.fit(swarm(), directions={"code_pyton": "max"}), InputError, "code_pyton"),
    "tasks that are one text": (lambda: olmix.fit(swarm(), tasks="code_python"), InputError, "no list of names"),
    "a ridge that the law does not take": (lambda: olmix.fit(swarm(), law="bimix", ridge=1e-4), InputError, "ridge"),
    "a swarm that is none": (lambda: olmix.fit(3), InputError, "int is no swarm"),
    "a config that is not there": (lambda: olmix.fit("no.yaml"), FileError, "no.yaml"),
    "an Arrow table with dates": (
        lambda: swarm(olmix_dates()), InputError, "column `code`"),
}  # fmt: skip


def olmix_dates() -> Any:
    pandas = needed("pandas")
    return frame(changed(R, code=[pandas.NaT] * 39 + [[0]]))


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_data_that_can_not_be_used_is_refused_with_what_to_do(case: str) -> None:
    call, kind, message = CASES[case]
    with pytest.raises(kind) as caught:
        call()
    error = caught.value
    assert message in str(error), str(error)
    assert error.help, f"no help: {error}"
    assert "\n" not in error.message


PROPOSALS: dict[str, tuple[dict[str, Any], type[OlmixError], str]] = {
    "a bound of no domain": ({"bounds": {"cod": (0.1, None)}}, InputError, "cod"),
    "a bound that is upside down": ({"bounds": {"code": (0.5, 0.1)}}, InputError, "code"),
    "a bound that is no pair": ({"bounds": {"code": "much"}}, InputError, "is no bound"),
    "a bound without ends": ({"bounds": {"code": (None, None)}}, InputError, "both ends are None"),
    "bounds that sum above 1": ({"bounds": {"code": (0.9, None), "math": (0.5, None)}}, InfeasibleError, "sum to 1.4"),
    "caps that leave no mixture": ({"target_tokens": 1e12, "repetition": 1}, InfeasibleError, "repetition"),
    "tokens that are no number": ({"target_tokens": math.nan}, InputError, "target_tokens"),
    "a negative λ": ({"kl": -1}, InputError, "kl"),
    "a group that is no group": ({"groups": {"web": 0.5}}, InputError, "is no group"),
    "an optimizer that there is not": ({"optimizer": "best"}, InputError, "optimizer"),
    "a coverage above 1": ({"confidence": 2}, InputError, "confidence"),
    "an unknown argument of a mixture": ({"bootstrap": -1}, InputError, "bootstrap"),
}


@pytest.fixture(scope="module")
def fit() -> olmix.Fit:
    return olmix.fit(swarm())


@pytest.mark.parametrize("case", PROPOSALS, ids=list(PROPOSALS))
def test_settings_that_can_not_be_met_are_refused_and_the_fit_stays(case: str, fit: olmix.Fit) -> None:
    settings, kind, message = PROPOSALS[case]
    before = fit.content
    with pytest.raises(kind) as caught:
        fit.propose(**settings)
    assert message in str(caught.value), str(caught.value)
    assert caught.value.help
    assert fit.content == before


MIXTURES: dict[str, tuple[Any, str]] = {
    "another number of columns": (np.full((2, 3), 1 / 3), "the shape is (2, 3)"),
    "three dimensions": (np.zeros((2, 3, 6)), "the shape is"),
    "not a number": (np.array([[math.nan, 1, 0, 0, 0, 0]]), "a share is not a finite number"),
    "a negative share": (np.array([[-0.5, 1.5, 0, 0, 0, 0]]), "a share is negative"),
    "a sum of 2": (np.full((1, 6), 1 / 3), "sum to 2"),
    "an unknown domain": ({"cod": 1.0}, "did you mean `code`?"),
    "texts": ([["a"] * 6], "no array of numbers"),
    "a table without a domain": ({"web:general": [1.0]}, "no column for the domain"),
}


@pytest.mark.parametrize("case", MIXTURES, ids=list(MIXTURES))
def test_what_is_no_mixture_is_not_predicted(case: str, fit: olmix.Fit) -> None:
    mixtures, message = MIXTURES[case]
    with pytest.raises(InputError) as caught:
        fit.predict(mixtures)
    assert message in str(caught.value), str(caught.value)


def test_an_unknown_task_names_the_nearest(fit: olmix.Fit) -> None:
    with pytest.raises(KeyError, match="code_python"):
        fit.laws["code_pyton"]


def test_files_that_can_not_be_written_leave_nothing(tmp_path: Path, fit: olmix.Fit) -> None:
    mix = fit.propose(bootstrap=0)
    with pytest.raises(FileError):
        mix.save(tmp_path / "no" / "mixture.json")
    (tmp_path / "taken").mkdir()
    with pytest.raises(FileError):
        mix.save(tmp_path / "taken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]


def test_a_mixture_that_was_changed_by_hand_is_refused(tmp_path: Path, fit: olmix.Fit) -> None:
    path = tmp_path / "mixture.json"
    fit.propose(bootstrap=0).save(path)
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1', 1))
    with pytest.raises(InputError, match="sha256"):
        olmix.read_mixture(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="UTF-8"):
        olmix.read_mixture(path)


def test_estimators_refuse_what_they_can_not_fit() -> None:
    x = np.random.default_rng(0).dirichlet([1, 1, 1], 20)
    y = 1 + x[:, 0]
    for law, a, b, message in [
        (olmix.Law("log_lin"), x, y, "log_lin"),
        (olmix.Law(ridge=-1), x, y, "ridge"),
        (olmix.Law("bimix", ridge=1e-3), x, y, "does not take it"),
        (olmix.Law("autoscale"), x, y, "tokens of the run"),
        (olmix.Law(), x[:2], y[:2], "2"),
        (olmix.Law(), x, y[:-1], "19 rows"),
        (olmix.Law(), x * 2, y, "no mixture"),
        (olmix.Law(), x, np.where(y > 1.5, math.nan, y), "finite"),
        (olmix.Law(), x.ravel(), y, "shape"),
    ]:
        with pytest.raises(InputError) as caught:
            law.fit(a, b)
        assert message in str(caught.value), str(caught.value)
    with pytest.raises(InputError, match="not fitted"):
        olmix.Law().predict(x)
    fitted = olmix.Law().fit(x, y)
    with pytest.raises(InputError, match="3 domains"):
        fitted.predict(x[:, :2])
