"""Files that are written whole, and a lock that one process at a time holds."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import IO, Any, cast

from .errors import FileError, InputError

try:
    import fcntl
except ImportError:  # Not a Unix: two processes that write the same run are not told apart.
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "has_control",
    "read_object",
    "refused",
    "remove",
    "remove_unfinished",
    "take_lock",
    "write_json",
    "write_whole",
]


def refused(path: Path, error: OSError) -> FileError:
    """Return what the operating system said, as an error of olmix."""
    return FileError(error.strerror or str(error), file=str(path))


def has_control(name: str) -> bool:
    """Whether a name has a character that no table can hold: a line break, a control character, half of a pair."""
    return any(
        ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 or c in "\u2028\u2029\ufeff" for c in name
    )


def write_whole(path: Path, text: str) -> None:
    """Write a file so that under its name there is the old content or the new one, whenever the process ends."""
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.unfinished")
    try:
        # Others collect runs, too: unlike tempfile, this leaves permissions to the umask.
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise refused(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed while they wrote a file of a folder left. Nobody writes there now."""
    for path in folder.glob(".*.json*.????????.unfinished"):
        remove(path)


def remove(path: Path) -> None:
    """Remove a file, where it is there."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise refused(path, error) from error


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, whole or not at all. Numbers in it are finite."""
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_object(path: Path) -> dict[str, Any] | None:
    """Read a file with an object of JSON; `None` where there is none."""
    help = "remove the file, or write it again"
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(path, error) from error
    except ValueError as error:
        raise InputError(f"not JSON: {error}", file=str(path), help=help) from error
    if not isinstance(found, dict):
        raise InputError("no object of names and values", file=str(path), help=help)
    return cast("dict[str, Any]", found)


def take_lock(path: Path) -> IO[bytes] | None:
    """Take an advisory lock, which is held until the file is closed or the process ends, however it ends.

    Returns `None` where another process, or another holder in this one, has it. Some network disks know no
    locks: there everyone gets it.
    """
    try:
        file = open(path, "ab")
    except OSError as error:
        raise refused(path, error) from error
    if fcntl is not None:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        except OSError:
            pass
    return file
