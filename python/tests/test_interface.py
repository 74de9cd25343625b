"""The interface: the same from any table, the same as the command line, and what Python expects of objects."""

from __future__ import annotations

import copy
import json
import os
import pickle
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import needed

import olmix
from olmix import _command

ROOT = Path(__file__).resolve().parents[2]
R, M = olmix.examples.tables()
TOKENS = olmix.examples.swarm().tokens
CAPS: dict[str, Any] = {"target_tokens": 1e10, "repetition": 4}


@pytest.fixture(scope="module")
def fit() -> olmix.Fit:
    return olmix.fit(olmix.examples.swarm())


@pytest.fixture(scope="module")
def mix(fit: olmix.Fit) -> olmix.Mix:
    return fit.propose(**CAPS)


def _pandas(table: dict[str, list[Any]]) -> Any:
    return needed("pandas").DataFrame(table)


def _pandas_index(table: dict[str, list[Any]]) -> Any:
    return _pandas(table).set_index("run")


def _pandas_nullable(table: dict[str, list[Any]]) -> Any:
    return _pandas(table).convert_dtypes()


def _pandas_categorical(table: dict[str, list[Any]]) -> Any:
    return _pandas(table).astype({"run": "category"})


def _polars(table: dict[str, list[Any]]) -> Any:
    return needed("polars").DataFrame(table)


def _pyarrow(table: dict[str, list[Any]]) -> Any:
    return needed("pyarrow").table(table)


def _pyarrow_chunks(table: dict[str, list[Any]]) -> Any:
    whole = _pyarrow(table)
    return needed("pyarrow").concat_tables([whole.slice(0, 7), whole.slice(7)])


def _arrow_stream(table: dict[str, list[Any]]) -> Any:
    class Stream:
        """Nothing but the Arrow C interface."""

        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return _pyarrow_chunks(table).__arrow_c_stream__(requested_schema)

    return Stream()


def _arrow_dictionary(table: dict[str, list[Any]]) -> Any:
    pyarrow = needed("pyarrow")
    whole = _pyarrow(table)
    encoded = whole.set_column(0, "run", whole.column("run").dictionary_encode())

    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> object:
            return encoded.__arrow_c_stream__(requested_schema)

    assert pyarrow.types.is_dictionary(encoded.schema.field("run").type)
    return Stream()


def _own(table: dict[str, list[Any]]) -> Any:
    return olmix.Table(table)


def _arrays(table: dict[str, list[Any]]) -> Any:
    return {name: np.array(column) for name, column in table.items()}


MAKERS = [
    _pandas, _pandas_index, _pandas_nullable, _pandas_categorical, _polars, _pyarrow, _pyarrow_chunks, _arrow_stream,
    _arrow_dictionary, _own, _arrays,
]  # fmt: skip


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__[1:])
def test_a_swarm_is_the_same_from_tables_of_any_package(make: Any, mix: olmix.Mix) -> None:
    swarm = olmix.Swarm(make(R), make(M), tokens=TOKENS)
    found = olmix.fit(swarm).propose(**CAPS)
    assert found.weights == mix.weights
    assert found.content["law"] == mix.content["law"]


@pytest.mark.parametrize("make", [_pandas, _polars, _pyarrow], ids=lambda make: make.__name__[1:])
def test_tables_are_given_back_of_the_package_that_was_given(make: Any) -> None:
    swarm = olmix.Swarm(make(R), make(M), tokens=TOKENS)
    fit = olmix.fit(swarm)
    mix = fit.propose(**CAPS)
    package = type(make(R))
    for table in (fit.cv, fit.residuals, mix.table, mix.tasks, mix.compare(mix.prior), fit.predict(make(R))):
        assert isinstance(table, package)


def test_columns_of_float64_are_read_in_place() -> None:
    from olmix._columns import columns_of

    frame = _pandas(R)
    columns = dict(columns_of(frame, "ratios"))
    assert np.shares_memory(columns["code"], frame["code"].to_numpy())
    polars = needed("polars").DataFrame(R)
    array: Any = dict(columns_of(polars, "ratios"))["code"]
    assert not array.flags.owndata


def test_prediction_of_a_pandas_frame_keeps_its_index(fit: olmix.Fit) -> None:
    frame = _pandas(R).set_index("run")
    predicted = fit.predict(frame)
    assert list(predicted.index) == list(frame.index)
    assert np.array_equal(predicted.to_numpy(), fit.predict(frame.to_numpy()))
    turned = fit.predict(frame[frame.columns[::-1]])
    assert np.array_equal(turned.to_numpy(), predicted.to_numpy())


def test_a_mixture_alone_is_a_mapping_or_a_series(fit: olmix.Fit) -> None:
    assert fit.predict(needed("pandas").Series(fit.prior)) == fit.predict(fit.prior)


def test_prediction_reads_arrays_of_any_order_and_stride(fit: olmix.Fit) -> None:
    frame = _pandas(R).set_index("run").to_numpy()
    expected = fit.predict(np.ascontiguousarray(frame))
    assert np.array_equal(fit.predict(np.asfortranarray(frame)), expected)
    doubled = np.repeat(np.repeat(frame, 2, axis=0), 2, axis=1)
    assert np.array_equal(fit.predict(doubled[::2, ::2]), expected)
    assert np.array_equal(fit.predict(frame.astype(np.float32)), fit.predict(frame.astype(np.float32).astype(float)))


def test_command_line_and_python_write_the_same_bytes(tmp_path: Path) -> None:
    config = ROOT / "examples" / "demo" / "fit.yaml"
    line = [_command.find(), "fit", "--config", str(config), "--output-dir", str(tmp_path), "--quiet"]
    subprocess.run(line, check=True)
    mix = olmix.fit(str(config)).propose()
    mix.save(tmp_path / "python.json")
    assert (tmp_path / "python.json").read_bytes() == (tmp_path / "mixture.json").read_bytes()


def test_settings_in_python_are_those_of_the_command_line(tmp_path: Path) -> None:
    config = ROOT / "examples" / "demo" / "fit.yaml"
    line = [_command.find(), "fit", "--config", str(config), "--output-dir", str(tmp_path), "--quiet"]
    words = ["--bound", "books=0.1:", "--target-tokens", "2e10", "--kl", "0.01", "--set", "regression.type=saturating"]
    subprocess.run([*line, *words], check=True)
    expected = json.loads((tmp_path / "mixture.json").read_bytes())
    mix = olmix.fit(str(config), law="saturating").propose(bounds={"books": (0.1, None)}, target_tokens=2e10, kl=0.01)
    assert mix.content["domains"] == expected["domains"]
    assert mix.content["law"] == expected["law"]
    assert mix.content["config_hash"] == expected["config_hash"]


def test_runs_of_several_sizes_give_the_mixture_of_another_size() -> None:
    sizes = [(1e8, 5e9), (1e8, 1e10), (2e8, 1e10), (2e8, 2e10)]
    level = {size: 0.5 + (size[0] / 1e8) ** -0.3 + (size[1] / 1e10) ** -0.4 for size in sizes}
    ratios: dict[str, list[Any]] = {name: [cell for cell in cells for _ in sizes] for name, cells in R.items()}
    metrics: dict[str, list[Any]] = {
        name: [cell if name == "run" else cell * level[size] for cell in cells for size in sizes] for name, cells in M.items()
    }
    ratios["run"] = metrics["run"] = [f"{run}-{k}" for run in R["run"] for k in range(4)]
    for column, k in (("parameters", 0), ("tokens", 1)):
        ratios[column] = [size[k] for _ in R["run"] for size in sizes]
    swarm = olmix.Swarm(ratios, metrics, tokens=TOKENS)
    scale: dict[str, float | str] = {"parameters": "400M", "tokens": 4e10}
    mix = olmix.fit(swarm, law="log_linear", scale=scale).propose()
    assert mix.content["scale"]["target"] == {"parameters": 4e8, "tokens": 4e10}
    assert mix.content["runs"] == len(R["run"])
    low = mix.content["scale"]["predicted_interval"]["low"]
    assert low < mix.content["predicted"] < mix.content["natural"]
    with pytest.raises(olmix.errors.InputError, match="tokens") as caught:
        olmix.fit(swarm, scale={"parameters": 4e8})
    assert (caught.value.place or "").startswith("scale")


def test_runs_of_the_target_make_a_fit_one_for_the_target(tmp_path: Path) -> None:
    def write(name: str, columns: dict[str, list[Any]]) -> Path:
        rows = [list(columns), *zip(*(cells[:8] for cells in columns.values()), strict=True)]
        path = tmp_path / name
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
        return path

    halved = {name: cells if name == "run" else [0.2 + 0.5 * cell for cell in cells] for name, cells in M.items()}
    target = {"ratios": write("ratios.csv", R), "metrics": write("metrics.csv", halved)}
    swarm = olmix.Swarm(R, M, tokens=TOKENS)
    mix = olmix.fit(swarm, law="log_linear", folds=0, target=target).propose(bootstrap=10)
    plain = olmix.fit(swarm, law="log_linear", folds=0).propose(bootstrap=0)
    assert 0.4 < mix.content["calibration"]["common_scale"] < 0.6
    assert abs(mix.content["natural"] - (0.2 + 0.5 * plain.content["natural"])) < 0.02
    with pytest.raises(olmix.errors.InputError, match="metrics") as caught:
        olmix.fit(swarm, target={"ratios": target["ratios"]})
    assert (caught.value.place or "").startswith("target")


def test_the_config_of_a_fit_gives_the_same_on_the_command_line(tmp_path: Path) -> None:
    for name, table in (("ratios", R), ("metrics", M)):
        _pandas(table).to_csv(tmp_path / f"{name}.csv", index=False)
    swarm = olmix.Swarm(str(tmp_path / "ratios.csv"), tmp_path / "metrics.csv", tokens=TOKENS)
    fit = olmix.fit(swarm, law="log_linear", seed=3)
    (tmp_path / "fit.yaml").write_text(fit.config)
    line = [_command.find(), "fit", "--config", str(tmp_path / "fit.yaml"), "--output-dir", str(tmp_path / "out"), "--quiet"]
    subprocess.run(line, check=True)
    written = olmix.read_mixture(tmp_path / "out" / "mixture.json")
    assert written.content["config_hash"] == fit.propose().content["config_hash"]
    assert written.weights == fit.propose().weights


def test_the_config_of_a_fit_has_its_preset_and_what_arguments_changed(tmp_path: Path) -> None:
    for name in ("fit.yaml", "ratios.csv", "metrics.csv"):
        shutil.copy(ROOT / "examples" / "demo" / name, tmp_path)
    config = tmp_path / "fit.yaml"
    for fit in (olmix.fit(config, law="saturating", seed=3), olmix.fit(config, preset="data-mixing-laws")):
        (tmp_path / "again.yaml").write_text(fit.config)
        again = olmix.fit(tmp_path / "again.yaml")
        assert again.config == fit.config
        assert again.propose().content["domains"] == fit.propose().content["domains"]
        assert again.content["law"] == fit.content["law"]


def test_results_are_the_same_on_any_number_of_threads() -> None:
    code = "import olmix; print(olmix.fit(olmix.examples.swarm()).propose().content['sha256'])"
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "RAYON_NUM_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "5")
    }
    assert len(found) == 1


def test_pickles_and_copies_are_the_same(fit: olmix.Fit, mix: olmix.Mix) -> None:
    for again in (pickle.loads(pickle.dumps(mix)), copy.copy(mix), copy.deepcopy(mix)):
        assert again.content == mix.content
        assert again.predict(again.weights) == mix.predict(mix.weights)
    for twin in (pickle.loads(pickle.dumps(fit)), copy.deepcopy(fit)):
        assert twin.content == fit.content
        assert twin.propose(**CAPS).content == mix.content
    swarm = pickle.loads(pickle.dumps(olmix.examples.swarm()))
    assert repr(swarm) == repr(olmix.examples.swarm())
    law = olmix.Law("saturating", ridge=1e-4)
    x = np.random.default_rng(0).dirichlet([1, 1, 1], 30)
    law.fit(x, 1 + x[:, 0] ** 2)
    assert np.array_equal(pickle.loads(pickle.dumps(law)).predict(x), law.predict(x))


def test_a_mixture_that_was_saved_is_read_with_its_laws(tmp_path: Path, mix: olmix.Mix) -> None:
    mix.save(tmp_path / "mixture.json")
    read = olmix.read_mixture(tmp_path / "mixture.json")
    assert read.content == mix.content
    assert read.predict(read.weights) == mix.predict(mix.weights)
    with pytest.raises(olmix.errors.InputError, match="has no swarm"):
        read.report(tmp_path / "report.html")


def test_the_report_is_written_and_figures_are_svg(tmp_path: Path, mix: olmix.Mix) -> None:
    mix.report(tmp_path / "report.html", title="<b>&")
    page = (tmp_path / "report.html").read_text()
    assert "&lt;b&gt;&amp;" in page and "<svg" in page
    assert all(svg.startswith("<svg") for svg in mix.figures.values()) and len(mix.figures) >= 3


def test_representations_escape_names_from_outside() -> None:
    name = "<script>alert(1)</script>"
    ratios = {name if key == "code" else key: column for key, column in R.items()}
    tokens = {name if key == "code" else key: count for key, count in (TOKENS or {}).items()}
    fit = olmix.fit(olmix.Swarm(ratios, M, tokens=tokens))
    for html in (fit._repr_html_(), fit.propose()._repr_html_()):
        assert name not in html and "<table>" in html
    assert name not in fit.propose().table._repr_html_()


def test_laws_are_estimators_of_scikit_learn() -> None:
    needed("sklearn")
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV, cross_val_score

    x = np.column_stack([R[name] for name in R if name != "run"])
    y = np.column_stack([M["code_python"], M["qa_history"]])
    law = olmix.Law("log_linear", ridge=1e-5)
    assert clone(law).get_params() == law.get_params()
    scores = cross_val_score(law, x, y[:, 0], cv=4)
    assert scores.min() > 0.9
    search = GridSearchCV(law, {"ridge": [0.0, 1e-4]}, cv=3).fit(x, y)
    assert search.best_estimator_.predict(x).shape == y.shape


def test_a_law_alone_is_the_law_of_a_fit() -> None:
    x = np.column_stack([R[name] for name in R if name != "run"])
    alone = olmix.Law("log_linear").fit(x, np.array(M["code_python"])).predict(x)
    fit = olmix.fit(olmix.examples.swarm(), law="log_linear")
    assert np.abs(fit.laws["code_python"].predict(x) - alone).max() < 1e-9


def test_warnings_are_typed_and_carry_numbers() -> None:
    few = {name: column[:8] for name, column in R.items()}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit = olmix.fit(olmix.Swarm(few, M, tokens=TOKENS), law="log_linear", folds=0)
    kinds = [warning.message.kind for warning in caught if isinstance(warning.message, olmix.notices.FitWarning)]
    assert kinds == [warning.kind for warning in fit.warnings]
    notices = [str(warning.message) for warning in caught if issubclass(warning.category, olmix.notices.OlmixNotice)]
    assert any("32 runs are only in metrics" in notice for notice in notices), notices


def test_what_if_holds_a_share_and_the_others_move(fit: olmix.Fit, mix: olmix.Mix) -> None:
    held = fit.what_if({"books": 0.2}, **CAPS)
    assert abs(held.weights["books"] - 0.2) < 1e-9
    assert mix.predicted is not None and held.predicted is not None and held.predicted > mix.predicted
    assert abs(sum(held.weights.values()) - 1) < 1e-9


def test_a_sweep_has_the_mixtures_that_propose_has(fit: olmix.Fit) -> None:
    table = fit.sweep(target_tokens=[1e10], repetition=[4], kl=[0.05])
    mix = fit.propose(**CAPS, kl=0.05)
    assert [table[domain][0] for domain in fit.domains] == pytest.approx(list(mix.weights.values()), abs=1e-7)


def test_generated_mixtures_are_a_swarm_to_measure() -> None:
    draws = olmix.generate(tokens={"web:a": 6e9, "web:b": 3e9, "code": 9e8}, runs=12, seed=1)
    again = olmix.generate(tokens={"web:a": 6e9, "web:b": 3e9, "code": 9e8}, runs=12, seed=1)
    assert draws.mixtures == again.mixtures and len(draws) == 12
    losses = [1 + mixture["code"] ** 2 for mixture in draws.mixtures.values()]
    swarm = olmix.Swarm(draws.ratios, {"run": list(draws.mixtures), "bpb": losses}, prior={"web:a": 6, "web:b": 3, "code": 1})
    assert olmix.fit(swarm, law="log_linear").tasks == ["bpb"]


def test_a_project_tells_its_history_and_plans(tmp_path: Path, fit: olmix.Fit) -> None:
    house, demo = str(tmp_path / "house"), str(ROOT / "examples" / "demo" / "fit.yaml")
    subprocess.run([_command.find(), "init", house, "--from", demo, "--quiet"], check=True)
    project = olmix.Project(house)
    assert list(project.log()["name"]) == ["domains@1"]
    plan = olmix.plan(project)
    assert (plan.method, plan.runs) == ("recompute", 21)
    project.commit(olmix.fit(demo).propose(), message="first")
    log = project.log()
    assert "main@1" in list(log["name"]) and "first" in list(log["title"])
    assert project.show("main@1")
    with pytest.raises(olmix.errors.OlmixError, match="runs"):
        project.commit(fit.propose())
    project.commit(fit.propose(), without_runs=True)
    assert "main@2" in list(project.log()["name"])


def test_warnings_name_arguments() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = olmix.fit(olmix.examples.swarm(), law="saturating")
    (outdone,) = [warning for warning in fit.warnings if warning.kind == "outdone"]
    assert 'set `law="log_linear"`' in str(outdone) and "regression" not in str(outdone)


def test_next_runs_are_chosen_by_the_fit_of_a_config(tmp_path: Path) -> None:
    ratios, metrics = olmix.examples.tables()
    for name, columns in (("ratios", ratios), ("metrics", metrics)):
        rows = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
    domains = [name for name in ratios if name != "run"]
    sizes = ", ".join(f'"{name}": 1' for name in domains)
    config = tmp_path / "fit.yaml"
    config.write_text(f"swarm: {{ratios: ratios.csv, metrics: metrics.csv}}\npriors: {{relative_sizes: {{{sizes}}}}}\n")
    draws = olmix.next_runs(config, runs=3, bootstrap=10)
    assert len(draws) == 3 and all(abs(sum(mixture.values()) - 1) < 1e-9 for mixture in draws.mixtures.values())
    after = [run["regret_after"] for run in draws.summary["variants"]]
    assert draws.summary["regret"] >= after[0] >= after[1] >= after[2] >= 0
    with pytest.raises(olmix.errors.FileError, match="nothing"):
        olmix.next_runs(tmp_path / "nothing", runs=1)
