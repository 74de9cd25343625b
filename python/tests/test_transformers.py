"""Runs that the `Trainer` of transformers trains and `olmix.integrations.transformers.RecordRun` records."""

from __future__ import annotations

import json
import math
import os
import socket
import warnings
from pathlib import Path
from typing import Any

import pytest
from conftest import collect, example, needed
from olmix.errors import InputError

torch = needed("torch")
transformers = needed("transformers")
needed("accelerate")

from olmix.integrations.transformers import RecordRun  # noqa: E402

MIXTURE = {"web": 0.7, "code": 0.3}
LENGTH = 8


def model() -> Any:
    config = transformers.LlamaConfig(
        vocab_size=16,
        hidden_size=8,
        intermediate_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=LENGTH,
    )
    torch.manual_seed(0)
    return transformers.LlamaForCausalLM(config)


def texts(seed: int, number: int = 8) -> list[dict[str, Any]]:
    """Sequences of one length; the tokens of a seed differ from those of another."""
    rows = torch.randint(0, 8 + seed, (number, LENGTH), generator=torch.Generator().manual_seed(seed))
    return [{"input_ids": row, "labels": row} for row in rows]


VALIDATION = {"web": texts(1), "code": texts(2)}


def trainer(tmp_path: Path, *callbacks: Any, evaluation: Any = None, **options: Any) -> Any:
    settings = {
        "save_strategy": "no",
        "logging_nan_inf_filter": False,
        "eval_strategy": "steps" if evaluation else "no",
        "eval_steps": 2,
        "learning_rate": 0.01,
        "logging_steps": 1,
        **options,
    }
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path / "checkpoints"),
        per_device_train_batch_size=2,
        per_device_eval_batch_size=4,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        **settings,
    )
    return transformers.Trainer(
        model(), arguments, train_dataset=texts(0, 24), eval_dataset=evaluation, callbacks=list(callbacks)
    )


def exact(model: Any, rows: list[dict[str, Any]]) -> Any:
    """The mean loss of texts of one length, computed apart from the trainer."""
    tokens = torch.stack([row["input_ids"] for row in rows])
    with torch.no_grad():
        loss = model.eval()(input_ids=tokens, labels=tokens).loss
    return pytest.approx(loss.item(), rel=1e-5)


def steps(run: Path) -> list[int]:
    """Steps at which the loss of the web was recorded."""
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [line["step"] for line in lines if "eval_web_loss" in line["metrics"]]


def test_two_runs_are_collected_with_their_mixtures_and_last_losses_of_each_set(tmp_path: Path) -> None:
    models = {}
    for share, number in [(0.25, 4), (0.75, 6)]:
        run = tmp_path / "runs" / f"run-{share}"
        record = RecordRun(run, {"web": share, "code": 1 - share})
        trained = trainer(tmp_path, record, evaluation=VALIDATION, max_steps=number)
        trained.train()
        models[run.name] = trained.model
        assert steps(run) == list(range(2, number + 1, 2))
    found = collect(tmp_path / "runs")
    assert found.ratios == {
        "run-0.25": {"web": 0.25, "code": 0.75},
        "run-0.75": {"web": 0.75, "code": 0.25},
    }
    for name, trained in models.items():
        expected = {f"eval_{domain}_loss": exact(trained, rows) for domain, rows in VALIDATION.items()}
        assert found.metrics[name] == expected
    journal = (tmp_path / "runs" / "run-0.25" / "metrics.jsonl").read_text()
    assert '"loss"' in journal and '"eval_web_runtime"' in journal


class Fails(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
    """Ends the process' training in the middle, as an error of a machine does."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 5:
            raise FloatingPointError


def test_a_run_that_was_cut_is_resumed_and_one_that_finished_is_trained_on(tmp_path: Path) -> None:
    run, runs = tmp_path / "runs" / "a", tmp_path / "runs"
    often = {"evaluation": VALIDATION, "save_strategy": "steps", "save_steps": 2}
    with pytest.raises(FloatingPointError):
        trainer(tmp_path, RecordRun(run, MIXTURE), Fails(), max_steps=6, **often).train()
    assert not (run / "metrics.json").exists()
    # The one that failed is still there, as in a notebook.
    assert steps(run) == [2, 4]
    trained = trainer(tmp_path, RecordRun(run, MIXTURE), max_steps=6, **often)
    trained.train(resume_from_checkpoint=str(tmp_path / "checkpoints" / "checkpoint-2"))
    assert steps(run) == [2, 4, 6]
    assert collect(runs).metrics["a"]["eval_web_loss"] == exact(trained.model, VALIDATION["web"])
    with pytest.raises(InputError, match="this run has finished"):
        trainer(tmp_path, RecordRun(run, MIXTURE), max_steps=6, **often).train()
    trained = trainer(tmp_path, RecordRun(run, MIXTURE), max_steps=8, **often)
    trained.train(resume_from_checkpoint=True)
    assert steps(run) == [2, 4, 6, 8]
    assert collect(runs).metrics["a"]["eval_web_loss"] == exact(trained.model, VALIDATION["web"])


def test_a_run_that_was_stopped_early_does_not_count_and_one_evaluated_later_does(tmp_path: Path) -> None:
    runs = tmp_path / "runs"

    class Stops(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
        def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            control.should_training_stop = True

    with pytest.warns(RuntimeWarning, match="it stopped short, at step 2 of 6"):
        trainer(tmp_path, RecordRun(runs / "stopped", MIXTURE), Stops(), evaluation=VALIDATION, max_steps=6).train()
    later = trainer(tmp_path, RecordRun(runs / "later", MIXTURE), max_steps=2)
    later.train()
    assert not (runs / "later" / "metrics.json").exists()
    later.evaluate(texts(3))
    found = collect(runs)
    assert found.metrics == {"later": {"eval_loss": exact(later.model, texts(3))}}
    assert "stopped is left out: it has no metrics.json" in found.said


def test_a_model_that_diverged_is_left_out_where_the_trainer_does_not_hide_it(tmp_path: Path) -> None:
    for run, rate, hides in [("sound", 0.01, False), ("diverged", math.inf, False), ("hidden", 0.01, True)]:
        record = RecordRun(tmp_path / "runs" / run, MIXTURE)
        options = {"max_steps": 2, "logging_nan_inf_filter": hides, "learning_rate": rate}
        training = trainer(tmp_path, record, evaluation=VALIDATION, **options)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always", RuntimeWarning)
            training.train()
        texts = [str(warning.message) for warning in warned]
        assert any("logging_nan_inf_filter=False" in text for text in texts) == hides
    found = collect(tmp_path / "runs")
    assert list(found.ratios) == ["hidden", "sound"]
    assert "diverged is left out: `eval_code_loss` is not a finite number" in found.said


def test_the_example_of_the_page_records_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(example("transformers"), {"model": model(), "train": texts(0), **VALIDATION})
    found = collect(tmp_path / "runs")
    assert found.ratios == {"run-02": {"web": 0.3, "code": 0.7}}
    assert list(found.metrics["run-02"]) == ["eval_code_loss", "eval_web_loss"]


def _train_one_rank(rank: int, tmp_path: Path, port: int) -> None:
    from accelerate.state import AcceleratorState  # type: ignore[import-untyped]

    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    os.environ.update(address, WORLD_SIZE="2", RANK=str(rank), LOCAL_RANK=str(rank))
    AcceleratorState._reset_state(reset_partial_state=True)
    record = RecordRun(tmp_path / "runs" / "a", MIXTURE)
    trainer(tmp_path, record, evaluation=VALIDATION, max_steps=2, ddp_backend="gloo").train()
    assert record.recorder is not None and record.recorder.writes == (rank == 0)


def test_two_processes_that_train_one_run_record_it_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ranks = torch.multiprocessing.start_processes(
        _train_one_rank, (tmp_path, port), nprocs=2, start_method="fork", join=False
    )
    # A wait ends with the first of the two as well.
    assert ranks.join(timeout=60) or ranks.join(timeout=60), "the two processes wait for one another"
    assert steps(tmp_path / "runs" / "a") == [2]
    found = collect(tmp_path / "runs")
    assert found.ratios == {"a": MIXTURE}
    assert list(found.metrics["a"]) == ["eval_code_loss", "eval_web_loss"]
