"""Runs that `RunRecorder` records, and what `olmix collect` reads of them."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import pytest
from conftest import collect, example, needed
from olmix.errors import InputError
from olmix.recording import RunRecorder, checked_mixture, process_rank

MIXTURE = {"web": 0.7, "code": 0.3}


def state(run: Path) -> Any:
    return json.loads((run / "recording.json").read_text())


def test_a_plain_loop_of_torch_is_collected_with_its_mixtures_and_last_losses(tmp_path: Path) -> None:
    torch = needed("torch")
    losses = {}
    for number, share in enumerate((0.25, 0.75)):
        mixture = {"web": share, "code:été": 1 - share}
        weight = torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([weight], lr=0.2)
        with RunRecorder(tmp_path / "runs" / f"run-{number:02}", mixture, total_steps=3) as recorder:
            for step in range(1, 4):
                loss = (weight - share).square().sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                recorder.log(step, {"val/loss": loss, "c4.en": loss.detach() + 1})
        losses[f"run-{number:02}"] = loss.item()
    found = collect(tmp_path / "runs")
    assert found.ratios == {
        "run-00": {"web": 0.25, "code:été": 0.75},
        "run-01": {"web": 0.75, "code:été": 0.25},
    }
    for run, loss in losses.items():
        assert found.metrics[run] == {"val/loss": loss, "c4.en": pytest.approx(loss + 1, rel=1e-6)}


def test_the_example_of_the_page_records_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"train_until": lambda step: 1 / step, "validate": {"web": 2.0, "code": 1.0}.get}
    exec(example("A loop of your own"), names)
    found = collect(tmp_path / "runs")
    assert found.ratios == {"run-00": MIXTURE} and found.metrics == {"run-00": {"val/web": 2.0, "val/code": 1.0}}


def test_numbers_of_any_size_are_collected_to_the_last_bit(tmp_path: Path) -> None:
    values = {"tiny": 5e-324, "small": 1e-7, "third": 1 / 3, "large": 1e16, "huge": 1.7976931348623157e308}
    with RunRecorder(tmp_path / "runs" / "a", {"web": 1 / 3, "code": 2 / 3}) as recorder:
        recorder.log(1, values)
    found = collect(tmp_path / "runs")
    assert found.metrics["a"] == values
    assert found.ratios["a"] == {"web": 1 / 3, "code": 2 / 3}


def test_only_metrics_that_count_are_collected_and_all_are_kept(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "a"
    with RunRecorder(run, MIXTURE, include=["val/*"], exclude=["*/time"]) as recorder:
        recorder.log(1, {"train/loss": 3.0, "val/loss": 2.0, "val/time": 9})
    assert collect(tmp_path / "runs").metrics == {"a": {"val/loss": 2.0}}
    assert "train/loss" in (run / "metrics.jsonl").read_text()


def test_runs_that_failed_diverged_or_stopped_short_are_left_out_by_name(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with pytest.raises(ZeroDivisionError), RunRecorder(runs / "failed", MIXTURE) as recorder:
        recorder.log(1, {"loss": 1.0})
        _ = 1 // (recorder.step or 0) // 0
    with RunRecorder(runs / "diverged", MIXTURE) as recorder:
        recorder.log(1, {"loss": math.nan})
    with pytest.warns(RuntimeWarning, match="short: it stopped short, at step 97 of 100"):
        with RunRecorder(runs / "short", MIXTURE, total_steps=100) as recorder:
            recorder.log(97, {"loss": 1.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with RunRecorder(runs / "whole", MIXTURE, total_steps=100) as recorder:
            recorder.log(98, {"loss": 1.0})
    found = collect(runs)
    assert list(found.metrics) == ["whole"]
    for run, why in [("diverged", "`loss` is not"), ("failed", "it has no metrics"), ("short", "it has no metrics")]:
        assert f"{run} is left out: {why}" in found.said, found.said
    assert state(runs / "failed") == {
        "format": "olmix recording",
        "version": 1,
        "state": "failed",
        "step": 1,
        "reason": "ZeroDivisionError: integer division or modulo by zero",
    }
    assert state(runs / "short")["reason"] == "it stopped short, at step 97 of 100"


def test_a_killed_run_has_not_finished_and_goes_on_without_what_comes_again(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "a"
    script = textwrap.dedent("""
        import os, signal, sys
        from olmix.recording import RunRecorder
        with RunRecorder(sys.argv[1], {"web": 0.7, "code": 0.3}) as recorder:
            for step in (1, 2, 3):
                recorder.log(step, {"loss": 10.0 + step, "once": step})
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    package = str(Path(sys.modules["olmix.recording"].__file__ or "").parents[1])
    path = os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])
    done = subprocess.run([sys.executable, "-c", script, str(run)], env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == -signal.SIGKILL
    assert state(run)["state"] == "running"
    with RunRecorder(tmp_path / "runs" / "b", MIXTURE) as recorder:
        recorder.log(1, {"loss": 1.0, "once": 1.0})
    assert "a is left out: it has no metrics.json" in collect(tmp_path / "runs").said
    # A file, and a line, that were cut in the middle.
    (run / ".metrics.json.0123abcd.unfinished").write_text("{")
    with (run / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4, "metr')
    with RunRecorder(run, MIXTURE) as recorder:
        assert recorder.step == 3
        recorder.log(2, {"loss": 2.0})
    assert sorted(path.name for path in run.iterdir()) == [
        "metrics.json",
        "metrics.jsonl",
        "mix.json",
        "recording.json",
        "recording.lock",
    ]
    assert collect(tmp_path / "runs").metrics["a"] == {"loss": 2.0, "once": 1.0}


def test_training_from_a_checkpoint_drops_what_came_after_it(tmp_path: Path) -> None:
    recorder = RunRecorder(tmp_path / "a", MIXTURE)
    for step in (10, 20, 30):
        recorder.log(step, {"loss": float(step)})
    with pytest.raises(InputError, match="step 20 comes after step 30"):
        recorder.log(20, {"loss": 1.0})
    recorder.rewind(20)
    assert recorder.step == 20
    recorder.finish()
    assert json.loads((tmp_path / "a" / "metrics.json").read_text())["metrics"] == {"loss": 20.0}
    recorder.log(20, {"test": 5.0})
    assert json.loads((tmp_path / "a" / "metrics.json").read_text())["metrics"] == {"loss": 20.0, "test": 5.0}


def test_a_finished_run_is_kept_continued_or_replaced(tmp_path: Path) -> None:
    run = tmp_path / "a"
    with RunRecorder(run, MIXTURE) as recorder:
        recorder.log(10, {"loss": 1.0, "old": 1.0})
    finished = (run / "metrics.json").read_bytes()
    for rank in (0, 1):
        # All ranks, or one would wait for another.
        with pytest.raises(InputError, match="this run has finished"):
            RunRecorder(run, MIXTURE, rank=rank)
    with pytest.raises(InputError, match="begun with a share of 0.7, and 0.5 is given"):
        RunRecorder(run, {"web": 0.5, "code": 0.5}, existing="continue")
    assert (run / "metrics.json").read_bytes() == finished
    with RunRecorder(run, existing="continue") as recorder:
        assert not (run / "metrics.json").exists()
        assert recorder.mixture == MIXTURE
        recorder.log(20, {"loss": 0.5})
    assert json.loads((run / "metrics.json").read_text())["metrics"] == {"loss": 0.5, "old": 1.0}
    with RunRecorder(run, {"web": 0.5, "code": 0.5}, existing="replace") as recorder:
        recorder.log(5, {"loss": 0.25})
    assert json.loads((run / "metrics.json").read_text())["metrics"] == {"loss": 0.25}
    assert json.loads((run / "mix.json").read_text()) == {"web": 0.5, "code": 0.5}


def test_one_process_records_a_run_and_the_others_are_refused_by_name(tmp_path: Path) -> None:
    run = tmp_path / "a"
    with RunRecorder(run, MIXTURE) as first:
        first.log(1, {"loss": 1.0})
        with pytest.raises(InputError, match="another process records this run") as raised:
            RunRecorder(run, MIXTURE)
        assert raised.value.file == str(run)
        # Another rank of the same run checks, and writes nothing.
        with RunRecorder(run, MIXTURE, rank=1) as other:
            other.log(1, {"loss": 7.0})
            with pytest.raises(InputError, match="'one' is no number"):
                other.log(2, {"loss": "one"})  # type: ignore[dict-item]
        pid = os.fork()
        if pid == 0:
            try:
                first.log(2, {"loss": 7.0})
            except InputError:
                os._exit(0)
            os._exit(1)
        assert os.waitpid(pid, 0)[1] == 0
    assert json.loads((run / "metrics.json").read_text())["metrics"] == {"loss": 1.0}


def test_ranks_are_those_of_torchrun_and_not_of_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_PROCID", "3")
    monkeypatch.delenv("RANK", raising=False)
    assert process_rank() == 0
    monkeypatch.setenv("RANK", "2")
    assert process_rank() == 2
    monkeypatch.setenv("RANK", "two")
    with pytest.raises(InputError, match="'two' is no rank"):
        process_rank()


def test_a_mixture_of_the_launcher_is_taken_from_the_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no mixture is known"):
        RunRecorder(tmp_path / "a")
    (tmp_path / "a" / "mix.json").write_text('{"web": 0.25, "code": 0.75}')
    for rank in (0, 1):
        with RunRecorder(tmp_path / "a", rank=rank) as recorder:
            recorder.log(1, {"loss": 1.0})
        assert recorder.mixture == {"web": 0.25, "code": 0.75}
        (tmp_path / "a" / "metrics.json").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("mixture", "says"),
    [
        ({"web": 0.7}, "sum to 0.7, not to 1"),
        ({"web": 70, "code": 30}, "divide percents by 100"),
        ({"web": 1.5, "code": -0.5}, "mixture:code: a share of -0.5"),
        ({"web": math.nan, "code": 1}, "mixture:web: a share of nan"),
        ({"web": math.inf}, "mixture:web: a share of inf"),
        ({"web": None, "code": 1}, "mixture:web: None is no number"),
        ({"web": True}, "True is no number"),
        ({"web": "1"}, "'1' is no number"),
        ({"a\nb": 1}, "'a\\\\nb' is no name of a domain"),
        ({"": 1}, "'' is no name of a domain"),
        ({0: 1}, "0 is no name of a domain"),
        ({}, "sum to 0, not to 1"),
    ],
)
def test_what_is_no_mixture_is_refused_and_nothing_is_made(tmp_path: Path, mixture: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        checked_mixture(mixture)
    with pytest.raises(InputError, match=says):
        RunRecorder(tmp_path / "a", mixture)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("step", "metrics", "says"),
    [
        (-1, {"loss": 1.0}, "-1 is no step"),
        (1.5, {"loss": 1.0}, "1.5 is no step"),
        (True, {"loss": 1.0}, "True is no step"),
        (1, {"run": 1.0}, "'run' is no name of a metric"),
        (1, {"a\tb": 1.0}, "is no name of a metric"),
        (1, {"loss": [1.0, 2.0]}, "step 1:loss: .* is no number"),
        (1, {"loss": None}, "step 1:loss: None is no number"),
    ],
)
def test_what_can_not_be_logged_is_refused_and_nothing_is_written(
    tmp_path: Path, step: Any, metrics: Any, says: str
) -> None:
    recorder = RunRecorder(tmp_path / "a", MIXTURE)
    with pytest.raises(InputError, match=says):
        recorder.log(step, {"first": 1.0, **metrics})
    assert (tmp_path / "a" / "metrics.jsonl").read_text() == ""
    with pytest.raises(InputError, match="no metric that counts was logged; logged were: none"):
        recorder.finish()


def test_a_damaged_journal_is_refused_with_its_line_and_left_as_it_is(tmp_path: Path) -> None:
    with RunRecorder(tmp_path / "a", MIXTURE) as recorder:
        recorder.log(1, {"loss": 1.0})
    journal = tmp_path / "a" / "metrics.jsonl"
    journal.write_text('{"step": 1, "metrics": {"loss": 1.0}}\n{"step": "2"}\n')
    with pytest.raises(InputError, match="metrics.jsonl:line 2: not a line of a record"):
        RunRecorder(tmp_path / "a", MIXTURE, existing="continue")
    assert journal.read_text().endswith('{"step": "2"}\n')
