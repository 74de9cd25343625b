"""The journal of a run: what was measured at every step, a line each time."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from ._checks import checked_step
from ._files import refused, write_whole
from .errors import InputError

__all__ = ["Journal", "for_json"]


class Journal:
    """A file of lines ``{"step": 100, "metrics": {"val/loss": 2.5}}``.

    What a killed process left of a last line is dropped when the file is opened again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: The last step, and the last value of every metric.
        self.step: int | None = None
        self.values: dict[str, float] = {}
        self._file: IO[bytes] | None = None
        self.keep(None)

    def keep(self, last: int | None) -> None:
        """Open the file, after dropping what stands there of steps after `last`."""
        self.close()
        kept = [(step, metrics) for step, metrics in self._entries() if last is None or step <= last]
        text = "".join(_line(step, metrics) for step, metrics in kept)
        try:
            if not self.path.exists() or self.path.read_bytes() != text.encode("utf-8"):
                write_whole(self.path, text)
            self._file = open(self.path, "ab", buffering=0)
        except OSError as error:
            raise refused(self.path, error) from error
        self.step = kept[-1][0] if kept else None
        self.values = {name: value for _, metrics in kept for name, value in metrics.items()}

    def append(self, step: int, metrics: Mapping[str, float]) -> None:
        """Add a line."""
        assert self._file is not None
        try:
            self._file.write(_line(step, metrics).encode("utf-8"))
        except OSError as error:
            raise refused(self.path, error) from error
        self.step = step
        self.values.update(metrics)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _entries(self) -> Iterator[tuple[int, dict[str, float]]]:
        try:
            text = self.path.read_bytes().decode("utf-8", errors="replace") if self.path.exists() else ""
        except OSError as error:
            raise refused(self.path, error) from error
        for number, line in enumerate(text.split("\n")[:-1], 1):
            try:
                entry = json.loads(line)
                metrics = {str(name): float(str(value)) for name, value in entry["metrics"].items()}
                yield checked_step(entry["step"]), metrics
            except (ValueError, TypeError, KeyError, AttributeError):
                raise InputError(
                    "not a line of a record",
                    file=str(self.path),
                    place=f"line {number}",
                    help="remove the file, and train the run from its beginning",
                ) from None


def for_json(value: float) -> float | str:
    """JSON has no NaN; `olmix collect` knows it by its name."""
    return value if math.isfinite(value) else str(value)


def _line(step: int, metrics: Mapping[str, float]) -> str:
    values = {name: for_json(value) for name, value in metrics.items()}
    return json.dumps({"step": step, "metrics": values}, ensure_ascii=False, allow_nan=False) + "\n"
