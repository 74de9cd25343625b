"""Progress of long work: a line on a terminal, a line in a notebook, nothing elsewhere unless asked for."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Progress", "close", "reporter"]

#: Shorter work shows nothing.
QUIET_SECONDS = 0.7


def _in_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


class Progress:
    """Shows stage, steps done and steps in all; called from one thread."""

    def __init__(self, show: Callable[[str], None], clear: Callable[[], None]) -> None:
        self._show = show
        self._clear = clear
        self._begun = time.monotonic()
        self._shown = ""

    def __call__(self, stage: str, done: int, steps: int) -> None:
        """Show where the work is."""
        if not stage or time.monotonic() - self._begun < QUIET_SECONDS:
            return
        width = 30
        filled = width * min(done, steps) // max(steps, 1)
        text = f"{stage:>22} {'█' * filled}{'░' * (width - filled)} {done}/{steps}"
        if not steps:
            text = f"{stage:>22} for {done} s"
        if text != self._shown:
            self._shown = text
            self._show(text)

    def close(self) -> None:
        """Remove what is shown."""
        if self._shown:
            self._clear()


def reporter(progress: bool | Callable[[str, int, int], object] | None) -> Any:
    """Return what the extension calls with stage, steps done and steps in all; `None` for nothing.

    Parameters
    ----------
    progress : bool or callable, optional
        ``None`` shows progress on a terminal and in a notebook, ``False`` nowhere, ``True`` everywhere; a function is
        called instead.
    """
    if callable(progress):
        return progress
    if progress is False:
        return None
    if _in_notebook():
        display: Any = importlib.import_module("IPython.display").display

        handle: list[Any] = []

        def show(text: str) -> None:
            bundle = {"text/plain": text}
            if handle:
                handle[0].update(bundle, raw=True)
            else:
                handle.append(display(bundle, raw=True, display_id=True))

        return Progress(show, lambda: handle[0].update({"text/plain": ""}, raw=True))
    stderr = sys.stderr
    if stderr is None or not (progress or stderr.isatty()):
        return None

    def write(text: str) -> None:
        stderr.write(f"\r{text}")
        stderr.flush()

    return Progress(write, lambda: write(" " * 79 + "\r"))


def close(shown: Any) -> None:
    """Remove progress that is shown."""
    end = getattr(shown, "close", None)
    if end is not None:
        end()
