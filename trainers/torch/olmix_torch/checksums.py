"""Checksums of the files of a folder, as `sha256sum --check` reads them and `olmix` writes them.

A folder of an earlier version has none, and its files are taken as they are.
"""

import hashlib

FILE = "checksums.sha256"


def digest(path):
    """SHA-256 of a file, in hexadecimal digits."""
    sum = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            sum.update(block)
    return sum.hexdigest()


def write(folder):
    """Writes those of all files in a folder."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != FILE)
    lines = [f"{digest(folder / name)}  {name}\n" for name in names]
    (folder / FILE).write_text("".join(lines), encoding="utf-8")


def damaged(folder, names):
    """Those of these files that are there and not what they were when they were written."""
    try:
        text = (folder / FILE).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    sums = {name: sum for sum, _, name in (line.partition("  ") for line in text.splitlines())}
    return [name for name in names if (folder / name).is_file() and sums.get(name) != digest(folder / name)]
