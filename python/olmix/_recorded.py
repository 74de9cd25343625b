"""The files of a recorded run that say how far it is, and what counts of it; written whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ._files import write_json
from ._journal import for_json
from .errors import InputError

__all__ = ["write_metrics", "write_state"]


def write_state(path: Path, known: Mapping[str, object]) -> None:
    """Write ``recording.json``: what is known of the run; what is not is left out, but for the step."""
    told = {name: value for name, value in known.items() if value is not None or name == "step"}
    write_json(path, {"format": "olmix recording", "version": 1, **told})


def write_metrics(path: Path, step: int | None, logged: Mapping[str, float], counts: Callable[[str], bool]) -> None:
    """Write ``metrics.json``: the last value of each metric that counts.

    Raises
    ------
    olmix.errors.InputError
        Where none that counts was logged.
    """
    counted = {name: for_json(value) for name, value in logged.items() if counts(name)}
    if not counted:
        raise InputError(
            f"no metric that counts was logged; logged were: {', '.join(logged) or 'none'}",
            file=str(path.parent),
            help="log one, or change `include` and `exclude`",
        )
    write_json(path, {"format": "olmix recorded metrics", "version": 1, "step": step, "metrics": counted})
