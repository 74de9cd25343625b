"""The `olmix` command that comes with the package, run for what reads and writes files."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import time
import warnings
from collections.abc import Sequence
from typing import Any

from ._progress import close, reporter
from .errors import FileError, InfeasibleError, InputError, InternalError, OlmixError
from .notices import OlmixNotice

__all__ = ["find", "run"]


def find() -> str:
    """Return the path of the command: ``OLMIX_BINARY``, beside this Python, or on ``PATH``.

    Raises
    ------
    olmix.errors.FileError
        Where there is none.

    Examples
    --------
    >>> from olmix import _command
    >>> _command.find().endswith("olmix")
    True
    """
    given = os.environ.get("OLMIX_BINARY")
    schemes = ("scripts",)
    beside = [os.path.join(sysconfig.get_path(scheme), "olmix") for scheme in schemes]
    user = os.path.join(sysconfig.get_path("scripts", f"{os.name}_user"), "olmix")
    for path in [*([given] if given else []), *beside, user]:
        if os.access(path, os.X_OK):
            return path
    found = shutil.which("olmix")
    if found:
        return found
    raise FileError(
        "the command `olmix` is not there",
        file=beside[0],
        help="install the package with pip, which brings it, or name it in OLMIX_BINARY",
    )


def run(
    words: Sequence[str],
    *,
    json_output: bool = True,
    arguments: str | None = None,
    unsaid: str | None = None,
    folder: str | None = None,
    progress: Any = False,
) -> Any:
    """Run the command and return what it prints: a JSON value, or the text.

    `arguments` is a file that was made of arguments: errors do not name it. Notices that begin with `unsaid` are not
    passed on. `folder` is where it runs. `progress` is that of `olmix.fit`: of work whose steps are not known, seconds
    are shown.

    Notices and warnings of the command become Python warnings, its refusals exceptions. Ctrl-C ends it.
    """
    line = [os.path.abspath(find()), *words, *(["--json"] if json_output else [])]
    shown = reporter(progress)
    environment = os.environ if shown is None else {**os.environ, "OLMIX_PROGRESS": "lines"}
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=folder, env=environment
    ) as process:
        printed = Printed(process)
        try:
            while not printed.wait(0.1):
                if shown is not None:
                    shown(*(printed.at or (words[0], int(printed.seconds), 0)))
        except BaseException:
            process.send_signal(signal.SIGINT)
            printed.wait()
            raise
        finally:
            close(shown)
    if process.returncode:
        raise _exception(process.returncode, printed.told, arguments)
    for text in _notices(printed.told):
        if unsaid is not None and text.startswith(unsaid):
            continue
        warnings.warn(text, OlmixNotice, stacklevel=_outside())
    return json.loads(printed.output) if json_output else printed.output


class Printed:
    """What a process prints, read by two threads while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.output = ""
        self.told = ""
        #: The last that it told of its progress: stage, steps done, steps in all.
        self.at: tuple[str, int, int] | None = None
        self._process = process
        self._begun = time.monotonic()
        self._threads = [threading.Thread(target=read, daemon=True) for read in (self._read_output, self._read_told)]
        for thread in self._threads:
            thread.start()

    @property
    def seconds(self) -> float:
        """How long it runs."""
        return time.monotonic() - self._begun

    def wait(self, seconds: float | None = None) -> bool:
        """Return whether the process has ended, after at most so long."""
        until = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))
        if any(thread.is_alive() for thread in self._threads):
            return False
        self._process.wait()
        return True

    def _read_output(self) -> None:
        assert self._process.stdout is not None
        self.output = self._process.stdout.read()

    def _read_told(self) -> None:
        assert self._process.stderr is not None
        lines: list[str] = []
        for line in self._process.stderr:
            found = re.match(r"progress: (.*): (\d+) of (\d+)$", line)
            if found:
                self.at = (found[1], int(found[2]), int(found[3])) if found[1] else None
            else:
                lines.append(line)
        self.told = "".join(lines)


def _outside() -> int:
    """The level, for `warnings.warn` in the function that calls this, of the first caller that is not of this package."""
    folder = os.path.dirname(__file__)
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and os.path.dirname(frame.f_code.co_filename).startswith(folder):
        level, frame = level + 1, frame.f_back
    return level


def _notices(told: str) -> list[str]:
    """The notices and warnings among the lines of standard error."""
    found = re.findall(r"^(?:note|warning): (.*(?:\n {2}.*)*)", told, re.MULTILINE)
    return [re.sub(r"\n\s+", "\n  ", text) for text in found]


def _exception(code: int, told: str, arguments: str | None) -> OlmixError:
    begin = told.find("error: ")
    text = told[begin + 7 :].strip() if begin >= 0 else told.strip()
    option = re.match(r"invalid value '(.*?)' for '--([a-z-]+)[^']*'(?:: (.*))?", text)
    if option:
        # What the command's parser of options says, of an argument.
        value, name, why = option.groups()
        possible = re.search(r"\[possible values: (.*)\]", text)
        near = re.search(r"similar value exists: '(.*)'", text)
        known = f"one of {possible[1]}" if possible else "correct it"
        return InputError(
            why or f"it can't be {value!r}", place={"variants": "runs"}.get(name, name.replace("-", "_")), help=f"did you mean {near[1]!r}?" if near else known
        )
    message, _, help = text.partition("\n  help: ")
    if code != 2:
        return InternalError(message or f"the command ended with {code}", help=help or None)
    kind: type[OlmixError] = InputError
    if "no mixture" in message or "infeasible" in message:
        kind = InfeasibleError
    if "can't be read" in message or "can't be written" in message:
        kind = FileError
    found = re.match(r"^(.+?):(\d+)(?::(\d+))?: (.*)$", message, re.DOTALL)
    if arguments is not None and message.startswith(arguments):
        message = re.sub(r"^[\d:]*: ", "", message[len(arguments) :])
    elif found:
        file, line, column, rest = found.groups()
        place = f"line {line}" + (f", column {column}" if column else "")
        return kind(rest, file=file, place=place, help=help or None)
    return kind(message, help=help or None)


def main() -> None:
    """Replace this process by the command: what `python -m olmix` does."""
    path = find()
    os.execv(path, [path, *sys.argv[1:]])
