"""A callback of the `Trainer` of transformers that records a run for `olmix collect`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, SupportsFloat

from transformers.trainer_callback import TrainerCallback

from ..recording import RunRecorder
from ._training import Training

if TYPE_CHECKING:
    from transformers.trainer_callback import TrainerControl, TrainerState
    from transformers.training_args import TrainingArguments

__all__ = ["RecordRun"]

#: What `Trainer.evaluate` measures of itself, not of the model.
OF_SPEED = ("*_runtime", "*_samples_per_second", "*_steps_per_second", "*_tokens_per_second", "*_preparation_time")


class RecordRun(TrainerCallback):
    """Records what a `Trainer` of transformers trains and evaluates.

    Parameters
    ----------
    folder : str or path
        The run's folder; its last part is the run's name. `output_dir` should be another one.
    mixture : mapping of str to number, optional
        Share of every domain, as `RunRecorder` takes it.
    include, exclude : sequence of str
        Globs of the metrics that count: ``eval_loss``, or ``eval_NAME_loss`` with a dict of data sets. Times
        and rates of evaluation do not count by default.
    existing : {"resume", "continue", "replace"}
        As for `RunRecorder`. A run that `train` resumes from a checkpoint goes on even if it has finished.

    Notes
    -----
    What `evaluate` and `predict` measure is recorded under ``state.global_step``; other logs, such as the loss
    of training, are in ``metrics.jsonl`` alone. A run whose training ended before 98 % of ``state.max_steps``,
    such as by early stopping, is not finished. One that was not evaluated during training finishes with the
    first `evaluate` after it. Only rank 0 records.

    `Trainer` reports the mean over batches of the mean loss of a batch: where texts have different lengths, runs
    are comparable only with the same batch size and number of devices for evaluation.

    Warns
    -----
    RuntimeWarning
        ``logging_nan_inf_filter``, which is on by default, leaves what is NaN or infinite out of losses.

    Examples
    --------
    >>> from olmix.integrations.transformers import RecordRun
    >>> record = RecordRun("runs/run-00", {"web": 0.7, "code": 0.3})
    >>> # trainer = Trainer(model, TrainingArguments("checkpoints/run-00"), callbacks=[record], …)
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        mixture: Mapping[str, SupportsFloat] | None = None,
        *,
        include: Sequence[str] = ("eval_*", "test_*"),
        exclude: Sequence[str] = OF_SPEED,
        existing: Literal["resume", "continue", "replace"] = "resume",
    ) -> None:
        super().__init__()
        self._training = Training(folder, mixture, include, exclude, existing)

    @property
    def recorder(self) -> RunRecorder | None:
        """The recorder, once training has begun in this process."""
        return self._training.recorder

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Begin the record, or go on with it from the step of a checkpoint."""
        if args.logging_nan_inf_filter and state.is_world_process_zero:
            help = "give TrainingArguments logging_nan_inf_filter=False, or a model that diverged may seem sound"
            text = f"Trainer leaves what is NaN or infinite out of the losses that it reports: {help}"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
        total = state.max_steps if state.max_steps > 0 else None
        self._training.begin(state.global_step, total, is_first=state.is_world_process_zero)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, object] | None = None,
        **kwargs: object,
    ) -> None:
        """Record what is logged of training and evaluation."""
        if logs and self._training.recorder is not None:
            self._training.measured(state.global_step, logs, all_numbers=True)

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, object] | None = None,
        **kwargs: object,
    ) -> None:
        """Record what an evaluation measured."""
        if state.is_world_process_zero:
            self._training.measured(state.global_step, metrics or {})

    def on_predict(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, object] | None = None,
        **kwargs: object,
    ) -> None:
        """Record what a prediction measured."""
        if state.is_world_process_zero:
            self._training.measured(state.global_step, metrics or {})

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """End the record."""
        self._training.ended(state.global_step)
