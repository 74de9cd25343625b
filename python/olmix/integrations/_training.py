"""What the callbacks of trainers have in common: when a run begins, what counts, and when it has ended."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, SupportsFloat
from weakref import WeakValueDictionary

from .._checks import RESERVED, checked_globs, checked_mixture, is_name
from ..recording import RunRecorder

__all__ = ["Training"]

#: Recorders of this process. A cell of a notebook that is run again records the same run from its beginning.
_OPEN: WeakValueDictionary[str, RunRecorder] = WeakValueDictionary()
_GUARD = threading.Lock()


class Training:
    """A run that a trainer trains; see `RunRecorder` for the parameters."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        mixture: Mapping[str, SupportsFloat] | None,
        include: Sequence[str],
        exclude: Sequence[str],
        existing: Literal["resume", "continue", "replace"],
    ) -> None:
        self.folder = Path(os.path.abspath(folder))
        self.mixture = None if mixture is None else checked_mixture(mixture)
        self.include = checked_globs(include, "include")
        self.exclude = checked_globs(exclude, "exclude")
        self.existing: Literal["resume", "continue", "replace"] = existing
        self.recorder: RunRecorder | None = None
        self._trained: int | None = None
        self._told_at: int | None = None
        self._told: dict[str, SupportsFloat] = {}

    def __getstate__(self) -> dict[str, object]:
        # Trainers copy callbacks to processes that they start; a run is recorded by the process that trains it.
        return {**self.__dict__, "recorder": None}

    def counts(self, name: str) -> bool:
        """Whether a metric becomes one of the run."""
        included = any(fnmatchcase(name, glob) for glob in self.include)
        return included and not any(fnmatchcase(name, glob) for glob in self.exclude)

    def begin(self, step: int, total_steps: int | None, *, is_first: bool) -> None:
        """Training begins, or goes on from a checkpoint of a step that is not 0."""
        with _GUARD:
            earlier = _OPEN.pop(str(self.folder), None)
            if earlier is not None:
                earlier.close()
            self.recorder = RunRecorder(
                self.folder,
                self.mixture,
                total_steps=total_steps,
                include=self.include,
                exclude=self.exclude,
                existing="continue" if step > 0 and self.existing == "resume" else self.existing,
                rank=0 if is_first else 1,
            )
            if self.recorder.writes:
                _OPEN[str(self.folder)] = self.recorder
        self._trained = self._told_at = None
        self.recorder.rewind(step)

    def measured(self, step: int, metrics: Mapping[str, object], *, all_numbers: bool = False) -> None:
        """Record numbers among metrics: those that count, or all."""
        if self.recorder is None:
            names = [name for name in metrics if self.counts(name)]
            if names:
                help = "train and measure it in one process, with one callback"
                text = f"{', '.join(names)} of {self.folder} is not recorded: its training did not run here: {help}"
                warnings.warn(text, RuntimeWarning, stacklevel=3)
            return
        wanted = {
            name: value
            for name, value in metrics.items()
            if is_name(name) and name not in RESERVED and (all_numbers or self.counts(name))
            if isinstance(value, SupportsFloat) and not isinstance(value, bool)
        }
        # Trainers tell some values twice.
        same = self._told if self._told_at == step else {}
        news = {name: value for name, value in wanted.items() if name not in same or same[name] != value}
        self._told_at, self._told = step, {**same, **news}
        self.recorder.log(step, news)
        if self._trained is not None and any(map(self.counts, wanted)):
            # What was measured after training ends a run that had measured nothing until then.
            trained, self._trained = self._trained, None
            self.recorder.finish(trained)

    def ended(self, step: int) -> None:
        """Training has ended as planned, or earlier by someone's decision."""
        if self.recorder is None:
            return
        if self.recorder.writes and not self.recorder.has_metrics:
            self._trained = step
        else:
            self.recorder.finish(step)

    def failed(self, error: BaseException) -> None:
        """Training was left by an exception."""
        if self.recorder is not None and self.recorder.state == "running":
            self.recorder.fail(f"{type(error).__name__}: {error}")
