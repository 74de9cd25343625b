"""A callback of Lightning that records a run for `olmix collect`."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, SupportsFloat

from ..recording import RunRecorder
from ._training import Training

if TYPE_CHECKING:
    from lightning.pytorch import Callback, LightningModule, Trainer
elif "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
    # The older name of the same package: a trainer takes callbacks of its own.
    from pytorch_lightning import Callback
else:
    try:
        from lightning.pytorch import Callback
    except ModuleNotFoundError:
        from pytorch_lightning import Callback

__all__ = ["RecordRun"]


class RecordRun(Callback):
    """Records what a `Trainer` of Lightning trains and validates.

    Parameters
    ----------
    folder : str or path
        The run's folder; its last part is the run's name. Loggers should keep their files elsewhere.
    mixture : mapping of str to number, optional
        Share of every domain, as `RunRecorder` takes it.
    include, exclude : sequence of str
        Globs of the metrics that count, by the names that modules log them under. With several loaders of
        validation data, Lightning adds ``/dataloader_idx_0`` to names.
    existing : {"resume", "continue", "replace"}
        As for `RunRecorder`. A run that `fit` resumes from a checkpoint goes on even if it has finished.

    Notes
    -----
    What is measured at the ends of validation and test is recorded under the trainer's `global_step`, but not
    the sanity check before training, nor a `fast_dev_run`. A run whose training ended before 98 % of the
    trainer's steps, such as by early stopping, is not finished. One without validation finishes with the
    first test after training. Only rank 0 records.

    Examples
    --------
    >>> from lightning.pytorch import Trainer
    >>> from olmix.integrations.lightning import RecordRun
    >>> record = RecordRun("runs/run-00", {"web": 0.7, "code": 0.3}, include=["val/*"])
    >>> trainer = Trainer(callbacks=[record], accelerator="cpu", logger=False)
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        mixture: Mapping[str, SupportsFloat] | None = None,
        *,
        include: Sequence[str] = ("val*", "test*"),
        exclude: Sequence[str] = (),
        existing: Literal["resume", "continue", "replace"] = "resume",
    ) -> None:
        super().__init__()
        self._training = Training(folder, mixture, include, exclude, existing)

    @property
    def recorder(self) -> RunRecorder | None:
        """The recorder, once training has begun in this process."""
        return self._training.recorder

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the record, or go on with it from the step of a checkpoint."""
        if not _is_real(trainer):
            return
        planned = trainer.estimated_stepping_batches
        total = int(planned) if 0 < planned < math.inf else None
        self._training.begin(trainer.global_step, total, is_first=trainer.is_global_zero)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record what validation measured."""
        self._measured(trainer)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record what a test measured."""
        self._measured(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """End the record."""
        if _is_real(trainer):
            # Metrics of training that count, where nobody validates.
            recorder = self._training.recorder
            if recorder is not None and recorder.writes and not recorder.has_metrics:
                self._measured(trainer)
            self._training.ended(trainer.global_step)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Record that training failed."""
        if trainer.state.fn == "fit":
            self._training.failed(exception)

    def _measured(self, trainer: Trainer) -> None:
        if not trainer.sanity_checking and _is_real(trainer):
            metrics: Mapping[str, Any] = trainer.callback_metrics
            self._training.measured(trainer.global_step, metrics)


def _is_real(trainer: Trainer) -> bool:
    """Not one that only tries whether a few batches run."""
    return not getattr(trainer, "fast_dev_run", False)
