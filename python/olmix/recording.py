"""Records one run of any training loop, so that `olmix collect` and `olmix.collect` read it.

A run is a folder, and its name is the name of the run:

==================  =================================================================================
``mix.json``        the mixture that it was trained on, ``{"web": 0.7, "code": 0.3}``
``metrics.jsonl``   all that was measured, a line each time: ``{"step": 100, "metrics": {…}}``
``metrics.json``    the last value of every metric. It is there once the run has finished, and not before
``recording.json``  how far the run is, and how it ended
==================  =================================================================================

These are the files that a trainer of `olmix launch` leaves, which may use a recorder as well.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, SupportsFloat

from ._checks import RESERVED, checked_globs, checked_mixture, checked_number, checked_step, is_name, process_rank
from ._files import read_object, refused, remove, remove_unfinished, take_lock, write_json
from ._journal import Journal
from ._recorded import write_metrics, write_state
from .errors import InputError

__all__ = ["RunRecorder", "checked_mixture", "process_rank"]

#: A run whose last step is below this share of all its steps stopped short, as `olmix collect` counts.
SHORT = 0.98

class RunRecorder:
    """Records a run: the mixture it is trained on, metrics by step, and how it ended.

    Parameters
    ----------
    folder : str or path
        The run's folder, made where it is missing. Its last part is the run's name; `olmix collect` takes
        the folder above. Other trackers should keep their files elsewhere.
    mixture : mapping of str to number, optional
        Share of every domain, as `checked_mixture` takes it. Without it, the ``mix.json`` that is in the
        folder counts, as `olmix launch` leaves it.
    total_steps : int, optional
        Steps of the whole training. A run that ends before 98 % of these stopped short: it is not finished,
        since losses after fewer steps say nothing about the mixture.
    include, exclude : sequence of str
        Globs of the metrics that count, such as ``"val/*"``; all are in ``metrics.jsonl``. By default all
        count, and become tasks of a fit.
    existing : {"resume", "continue", "replace"}
        What is done where the folder holds a run: one that has not finished goes on, and one that has is
        refused; both go on; both are dropped, for another run in their place.
    rank : int, optional
        Rank of this process; by default `process_rank()`. All but rank 0 check what they are given and
        write nothing.

    Raises
    ------
    olmix.errors.InputError
        What is given can't be used; the folder holds another or a finished run; another process records it.
    olmix.errors.FileError
        A file can't be read or written.

    Notes
    -----
    A run that was killed stays unfinished, and `olmix collect` leaves it out by name. Recorded again, it goes
    on; what was logged at the step of the first new values, or later, is dropped then (see `rewind`). As a
    context manager, it finishes at the end of the block, and has failed if an exception left that. Every file
    but ``metrics.jsonl`` is written whole; a line of that which was cut is dropped when the run goes on.

    Examples
    --------
    >>> import tempfile
    >>> swarm = tempfile.TemporaryDirectory()
    >>> with RunRecorder(f"{swarm.name}/run-00", {"web": 0.7, "code": 0.3}) as recorder:
    ...     for step in (100, 200):
    ...         recorder.log(step, {"val/loss": 300 / step})
    >>> print(Path(swarm.name, "run-00", "metrics.json").read_text())
    {
      "format": "olmix recorded metrics",
      "version": 1,
      "step": 200,
      "metrics": {
        "val/loss": 1.5
      }
    }
    <BLANKLINE>
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        mixture: Mapping[str, SupportsFloat] | None = None,
        *,
        total_steps: int | None = None,
        include: Sequence[str] = ("*",),
        exclude: Sequence[str] = (),
        existing: Literal["resume", "continue", "replace"] = "resume",
        rank: int | None = None,
    ) -> None:
        self.folder: Path = Path(os.path.abspath(folder))
        self.state: Literal["running", "finished", "short", "failed"] = "running"
        self.total_steps: int | None = None if total_steps is None else checked_step(total_steps)
        self._include, self._exclude = checked_globs(include, "include"), checked_globs(exclude, "exclude")
        self._journal: Journal | None = None
        self._lock: IO[bytes] | None = None
        self._goes_on = False
        self._process = os.getpid()
        self._thread = threading.RLock()
        if not is_name(self.name):
            raise InputError(f"{self.name!r} is no name of a run", help="name the folder without control characters")
        if existing not in ("resume", "continue", "replace"):
            raise InputError(f"{existing!r} is not known", place="existing", help="resume, continue or replace")
        self.mixture: dict[str, float] = {} if mixture is None else checked_mixture(mixture)
        self.writes: bool = (process_rank() if rank is None else rank) == 0
        try:
            if self.writes:
                self._take_folder()
            self._open(mixture is not None, existing)
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The run's name: the last part of its folder."""
        return self.folder.name

    @property
    def step(self) -> int | None:
        """The last step that something was logged at; `None` before the first, and on other ranks."""
        return None if self._journal is None else self._journal.step

    @property
    def has_metrics(self) -> bool:
        """Whether a metric that counts was logged."""
        return self._journal is not None and any(map(self._counts, self._journal.values))

    def __repr__(self) -> str:
        at = "" if self.step is None else f" at step {self.step}"
        return f"RunRecorder({str(self.folder)!r}: {self.state}{at}{'' if self.writes else ', of another rank'})"

    def _take_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refused(self.folder, error) from error
        self._lock = take_lock(self.folder / "recording.lock")
        if self._lock is None:
            raise InputError(
                "another process records this run, or another recorder in this one",
                file=str(self.folder),
                help="give every run a folder of its own; of the processes of one run, only that of rank 0 records "
                "it: give the others their `rank`",
            )
        remove_unfinished(self.folder)

    def _open(self, given: bool, existing: str) -> None:
        """Look what is there; every rank refuses the same, or the others would wait for the first."""
        metrics, mix = self._file("metrics.json"), self._file("mix.json")
        if existing == "replace" and self.writes:
            # First what makes the run count.
            for path in (metrics, self._file("metrics.jsonl"), *([mix] if given else [])):
                remove(path)
        elif existing == "resume" and metrics.exists():
            raise InputError(
                "this run has finished",
                file=str(self.folder),
                help='give another folder, or existing="continue" to train on, or existing="replace"',
            )
        earlier = None if existing == "replace" and given else read_object(mix)
        if earlier is not None:
            self._agree(checked_mixture(earlier, of=str(mix)), given)
        elif not given:
            raise InputError("no mixture is known", file=str(mix), help="give `mixture`")
        elif self.writes:
            write_json(mix, self.mixture)
        if self.writes:
            remove(metrics)
            self._journal = Journal(self._file("metrics.jsonl"))
            self._goes_on = self.step is not None
            self._tell(None)

    def _agree(self, earlier: dict[str, float], given: bool) -> None:
        """Take the mixture that the folder tells of; one that was given has to be the same."""
        for domain in [*earlier, *self.mixture] if given else []:
            there, here = earlier.get(domain, 0.0), self.mixture.get(domain, 0.0)
            if abs(there - here) > 1e-6:
                raise InputError(
                    f"this run was begun with a share of {there:g}, and {here:g} is given",
                    file=str(self._file("mix.json")),
                    place=domain,
                    help="give every run a folder of its own",
                )
        self.mixture = earlier

    def _file(self, name: str) -> Path:
        return self.folder / name

    def _tell(self, reason: str | None) -> None:
        known = {"state": self.state, "step": self.step, "total_steps": self.total_steps, "reason": reason}
        write_state(self._file("recording.json"), known)

    def _may_write(self) -> bool:
        if self.writes and self._process != os.getpid():
            raise InputError("this process was forked from the one that records the run", help="record in that one")
        if self.writes and self._lock is None:
            raise InputError("the recorder is closed", file=str(self.folder), help="make another one")
        return self.writes

    def rewind(self, step: int) -> None:
        """Drop what was logged after a step: training goes on from there, from a checkpoint.

        Parameters
        ----------
        step : int
            Steps that the checkpoint has seen; 0 for a beginning.

        Examples
        --------
        >>> import tempfile
        >>> swarm = tempfile.TemporaryDirectory()
        >>> recorder = RunRecorder(f"{swarm.name}/run-00", {"web": 0.7, "code": 0.3})
        >>> recorder.log(100, {"val/loss": 2.5})
        >>> recorder.log(200, {"val/loss": 2.0})
        >>> recorder.rewind(100)
        >>> recorder.step
        100
        """
        step = checked_step(step)
        if self._may_write():
            self._rewind(step)

    def _rewind(self, step: int) -> None:
        with self._thread:
            assert self._journal is not None
            self._journal.keep(step)
            self._goes_on = False

    def log(self, step: int, metrics: Mapping[str, SupportsFloat]) -> None:
        """Record what was measured at a step.

        Parameters
        ----------
        step : int
            Steps so far; not below that of the call before.
        metrics : mapping of str to number
            Names and values: numbers, or arrays and tensors of one. NaN and infinity are recorded, and
            `olmix collect` then leaves the run out. Of a metric that is logged again, the last value counts.

        Notes
        -----
        It may be called after `finish`, with what is measured of the finished model.

        Examples
        --------
        >>> import tempfile
        >>> swarm = tempfile.TemporaryDirectory()
        >>> recorder = RunRecorder(f"{swarm.name}/run-00", {"web": 0.7, "code": 0.3})
        >>> recorder.log(100, {"val/loss": 2.5})
        >>> recorder.log(50, {"val/loss": 2.75})
        Traceback (most recent call last):
        olmix.errors.InputError: step 50 comes after step 100
          help: call `rewind(step)` first, if training went back to a checkpoint
        """
        step = checked_step(step)
        values: dict[str, float] = {}
        for name, value in metrics.items():
            if not is_name(name) or name in RESERVED:
                raise InputError(f"{name!r} is no name of a metric", place=f"step {step}", help="name it otherwise")
            values[name] = checked_number(value, f"step {step}", name)
        if not self._may_write() or not values:
            return
        with self._thread:
            if self._goes_on:
                self._rewind(step - 1)
            if self.step is not None and step < self.step:
                raise InputError(
                    f"step {step} comes after step {self.step}",
                    help="call `rewind(step)` first, if training went back to a checkpoint",
                )
            assert self._journal is not None
            self._journal.append(step, values)
            if self.state == "finished":
                self._write_metrics()

    def finish(self, step: int | None = None) -> None:
        """End the run: from now on it counts.

        Parameters
        ----------
        step : int, optional
            Steps that the run has trained for; by default the last that something was logged at.

        Raises
        ------
        olmix.errors.InputError
            No metric that counts was logged.

        Warns
        -----
        RuntimeWarning
            The run stopped short of `total_steps`, and does not count.

        Examples
        --------
        >>> import tempfile
        >>> swarm = tempfile.TemporaryDirectory()
        >>> recorder = RunRecorder(f"{swarm.name}/run-00", {"web": 0.7, "code": 0.3})
        >>> recorder.log(100, {"val/loss": 2.5})
        >>> recorder.finish()
        >>> recorder.state
        'finished'
        """
        last = self.step if step is None else checked_step(step)
        if not self._may_write():
            self.state = "finished"
            return
        with self._thread:
            if self.total_steps is not None and (last or 0) < SHORT * self.total_steps:
                reason = f"it stopped short, at step {last or 0} of {self.total_steps}"
                self.state = "short"
                self._tell(reason)
                help = "`olmix collect` leaves it out; without `total_steps` any length is a whole one"
                warnings.warn(f"{self.name}: {reason}: {help}", RuntimeWarning, stacklevel=2)
                return
            self._write_metrics()
            self.state = "finished"
            self._tell(None)

    def fail(self, reason: str) -> None:
        """End the run as one that failed; it does not count, and may be recorded again.

        Parameters
        ----------
        reason : str
            Why, for people.

        Examples
        --------
        >>> import tempfile
        >>> swarm = tempfile.TemporaryDirectory()
        >>> recorder = RunRecorder(f"{swarm.name}/run-00", {"web": 0.7, "code": 0.3})
        >>> recorder.fail("the loss is NaN")
        >>> recorder.state
        'failed'
        """
        if self._may_write():
            remove(self._file("metrics.json"))
        self.state = "failed"
        if self.writes:
            self._tell(reason)

    def close(self) -> None:
        """Let go of the folder, as the end of the process does. A run that has not ended stays unfinished.

        Examples
        --------
        >>> import tempfile
        >>> swarm = tempfile.TemporaryDirectory()
        >>> recorder = RunRecorder(f"{swarm.name}/run-00", {"web": 0.7, "code": 0.3})
        >>> recorder.log(100, {"val/loss": 3.0})
        >>> recorder.close()
        >>> swarm.cleanup()
        """
        if self._journal is not None:
            self._journal.close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> RunRecorder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is not None and self.state == "running":
                self.fail(f"{kind.__name__}: {error}")
            elif self.state == "running":
                self.finish()
        finally:
            self.close()

    def _write_metrics(self) -> None:
        logged = {} if self._journal is None else self._journal.values
        write_metrics(self._file("metrics.json"), self.step, logged, self._counts)

    def _counts(self, name: str) -> bool:
        included = any(fnmatchcase(name, glob) for glob in self._include)
        return included and not any(fnmatchcase(name, glob) for glob in self._exclude)
