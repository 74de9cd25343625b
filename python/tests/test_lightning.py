"""Runs that Lightning trains and `olmix.integrations.lightning.RecordRun` records."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from conftest import collect, example, needed
from olmix.errors import InputError

torch = needed("torch")
pl = needed("lightning.pytorch")

from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint  # noqa: E402
from olmix.integrations.lightning import RecordRun  # noqa: E402

MIXTURE = {"web": 0.7, "code": 0.3}


class Model(pl.LightningModule):  # type: ignore[misc, name-defined]
    """Fits a line to points, and validates on two sets of them."""

    def __init__(self, fails_at: int = -1) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.line = torch.nn.Linear(1, 1)
        self.fails_at = fails_at

    def loss(self, batch: Any) -> Any:
        x, y = batch
        return torch.nn.functional.mse_loss(self.line(x), y)

    def training_step(self, batch: Any, index: int) -> Any:
        if self.global_step == self.fails_at:
            raise FloatingPointError("the loss is NaN")
        loss = self.loss(batch)
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch: Any, index: int, dataloader_idx: int = 0) -> None:
        name = ["web", "code"][dataloader_idx]
        self.log(f"val/{name}", self.loss(batch), add_dataloader_idx=False)

    def test_step(self, batch: Any, index: int) -> None:
        self.log("test/loss", self.loss(batch))

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def points(seed: int) -> Any:
    x = torch.randn(8, 1, generator=torch.Generator().manual_seed(seed))
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, 2 * x + seed), batch_size=2)


def trainer(tmp_path: Path, *callbacks: Any, **options: Any) -> Any:
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    checkpoints = {"enable_checkpointing": any(isinstance(callback, ModelCheckpoint) for callback in callbacks)}
    where = {"accelerator": "cpu", "devices": 1, "default_root_dir": tmp_path}
    return pl.Trainer(callbacks=list(callbacks), **quiet, **checkpoints, **where, **options)


VALIDATION = [1, 2]


def fit(trainer: Any, model: Any, **options: Any) -> Any:
    trainer.fit(model, points(0), [points(seed) for seed in VALIDATION], **options)
    return model


def exact(model: Any, seed: int) -> float:
    """The mean loss over one set, computed apart from the trainer."""
    with torch.no_grad():
        return float(sum(model.loss(batch).item() for batch in points(seed)) / 4)


def test_two_runs_are_collected_with_their_mixtures_and_last_validation_losses(tmp_path: Path) -> None:
    models = {}
    for share in (0.25, 0.75):
        record = RecordRun(tmp_path / "runs" / f"run-{share}", {"web": share, "code": 1 - share})
        with warnings.catch_warnings():
            # Such as of the check before training, which nobody records.
            warnings.simplefilter("error", RuntimeWarning)
            models[f"run-{share}"] = fit(trainer(tmp_path, record, max_epochs=2 if share < 0.5 else 3), Model())
    found = collect(tmp_path / "runs")
    assert found.ratios == {
        "run-0.25": {"web": 0.25, "code": 0.75},
        "run-0.75": {"web": 0.75, "code": 0.25},
    }
    for run, model in models.items():
        losses = {"val/web": exact(model, 1), "val/code": exact(model, 2)}
        expected = {name: pytest.approx(loss, rel=1e-5) for name, loss in losses.items()}
        assert found.metrics[run] == expected
    lines = (tmp_path / "runs" / "run-0.25" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [4, 8]


def test_a_run_that_failed_is_resumed_and_one_that_finished_is_trained_on(tmp_path: Path) -> None:
    run, runs = tmp_path / "runs" / "a", tmp_path / "runs"
    saved = ModelCheckpoint(dirpath=tmp_path, filename="{step}", every_n_train_steps=4, save_top_k=-1)
    with pytest.raises(FloatingPointError):
        fit(trainer(tmp_path, RecordRun(run, MIXTURE), saved, max_epochs=3), Model(fails_at=10))
    assert json.loads((run / "recording.json").read_text())["reason"] == "FloatingPointError: the loss is NaN"
    assert not (run / "metrics.json").exists()
    # From an earlier checkpoint, with a single validation at the end: what the one that failed measured after it goes.
    again = trainer(tmp_path, RecordRun(run, MIXTURE), max_epochs=3, check_val_every_n_epoch=3)
    model = fit(again, Model(), ckpt_path=str(tmp_path / "step=4.ckpt"))
    assert collect(runs).metrics["a"]["val/web"] == pytest.approx(exact(model, 1), rel=1e-5)
    steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert steps == [4, 12]
    with pytest.raises(InputError, match="this run has finished"):
        fit(trainer(tmp_path, RecordRun(run, MIXTURE), max_epochs=1), Model())
    model = fit(trainer(tmp_path, RecordRun(run, MIXTURE), max_epochs=4), Model(), ckpt_path=str(tmp_path / "step=8.ckpt"))
    assert collect(runs).metrics["a"]["val/web"] == pytest.approx(exact(model, 1), rel=1e-5)
    assert json.loads((run / "metrics.json").read_text())["step"] == 16


def test_a_run_that_was_stopped_early_does_not_count_and_one_tested_later_does(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    stops = EarlyStopping("val/web", stopping_threshold=1e9, check_on_train_epoch_end=False)
    with pytest.warns(RuntimeWarning, match="it stopped short, at step 4 of 12"):
        fit(trainer(tmp_path, RecordRun(runs / "stopped", MIXTURE), stops, max_epochs=3), Model())
    tested, model = trainer(tmp_path, RecordRun(runs / "tested", MIXTURE), max_epochs=1), Model()
    tested.fit(model, points(0))
    assert not (runs / "tested" / "metrics.json").exists()
    tested.test(model, points(3), verbose=False)
    tries = trainer(tmp_path, RecordRun(runs / "tried", MIXTURE), fast_dev_run=True)
    fit(tries, Model())
    assert not (runs / "tried").exists()
    found = collect(runs)
    assert found.metrics == {"tested": {"test/loss": pytest.approx(exact(model, 3), rel=1e-5)}}
    assert "stopped is left out: it has no metrics.json" in found.said


def test_the_example_of_the_page_records_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"model": Model(), "train": points(0), "validation": [points(seed) for seed in VALIDATION]}
    exec(example("Lightning"), names)
    found = collect(tmp_path / "runs")
    assert found.ratios == {"run-01": {"web": 0.5, "code": 0.5}}
    assert list(found.metrics["run-01"]) == ["val/code", "val/web"]


def test_two_processes_that_train_one_run_record_it_once(tmp_path: Path) -> None:
    record = RecordRun(tmp_path / "runs" / "a", MIXTURE)
    spawned = {"strategy": "ddp_fork", "devices": 2}
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    two = pl.Trainer(
        callbacks=[record], accelerator="cpu", max_epochs=1, enable_checkpointing=False, **spawned, **quiet
    )
    fit(two, Model())
    found = collect(tmp_path / "runs")
    assert found.ratios == {"a": MIXTURE}
    assert list(found.metrics["a"]) == ["val/code", "val/web"]
    [line] = (tmp_path / "runs" / "a" / "metrics.jsonl").read_text().splitlines()
    assert json.loads(line)["step"] == 2
