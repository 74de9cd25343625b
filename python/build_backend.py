"""The build backend: maturin's, which makes the wheel of the extension, with the `olmix` command put beside it.

The command is built first, into `python/olmix.data/scripts`, from where maturin takes it: `pip install` gives both.
`OLMIX_BUILD_PROFILE=dev` builds both without optimization, for tests.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import maturin

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "python" / "olmix.data" / "scripts"
PROFILE = os.environ.get("OLMIX_BUILD_PROFILE", "release")


def _check_tools() -> None:
    """End the build with one message where there is no Rust: maturin would download one without a word."""
    if shutil.which("cargo") is None:
        raise SystemExit(
            "error: olmix is built from source here, which needs Rust, and there is no `cargo` on PATH\n"
            "  help: install Rust (https://rustup.rs) and a C compiler, or install a wheel: those serve Linux on x86-64 with "
            "Python 3.10 or newer, and the glibc that their names say"
        )


def _build_command() -> None:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    line = ["cargo", "build", "--locked", "--package", "olmix", "--bin", "olmix", "--profile", PROFILE]
    # Named, whatever a configuration of Cargo says: what lies there otherwise may be of an earlier build.
    subprocess.run([*line, "--target-dir", str(target)], cwd=ROOT, check=True)
    built = target / ("debug" if PROFILE == "dev" else PROFILE) / "olmix"
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    command = SCRIPTS / "olmix"
    shutil.copyfile(built, command)
    command.chmod(0o755)
    if shutil.which("strip"):
        subprocess.run(["strip", "--strip-all", command], check=True)


def _settings(config_settings: dict[str, str] | None) -> dict[str, str]:
    settings = dict(config_settings or {})
    arguments = f"--profile {PROFILE} --strip"
    if os.environ.get("OLMIX_WHEEL") == "manylinux":
        arguments += f" --compatibility manylinux_2_{_glibc()}"
    settings.setdefault("build-args", arguments)
    return settings


def _glibc() -> int:
    """The version of glibc that the command needs: 2.35 is 35. maturin looks at the extension alone."""
    needed = re.findall(rb"GLIBC_2\.(\d+)\0", (SCRIPTS / "olmix").read_bytes())
    return max(17, *map(int, needed))


def build_wheel(wheel_directory: str, config_settings: dict[str, str] | None = None, metadata_directory: str | None = None) -> str:
    """Build the command, then the wheel."""
    _build_command()
    return maturin.build_wheel(wheel_directory, _settings(config_settings), metadata_directory)


def build_editable(wheel_directory: str, config_settings: dict[str, str] | None = None, metadata_directory: str | None = None) -> str:
    """Build the command, then a wheel that leads to the sources."""
    _build_command()
    return maturin.build_editable(wheel_directory, _settings(config_settings), metadata_directory)


def build_sdist(sdist_directory: str, config_settings: dict[str, str] | None = None) -> str:
    """Build the source distribution: all crates, as the wheel needs the command's. It is built from like a checkout."""
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # maturin takes only the crates below the extension; of its archive, the metadata are used.
        made = maturin.build_sdist(folder, config_settings)
        name = made.removesuffix(".tar.gz")
        with tarfile.open(Path(folder, made)) as archive:
            archive.extract(f"{name}/PKG-INFO", folder)
        with tarfile.open(Path(sdist_directory, made), "w:gz") as archive:
            archive.add(Path(folder, name, "PKG-INFO"), f"{name}/PKG-INFO")
            for path in _sources():
                archive.add(path, f"{name}/{path.relative_to(ROOT)}")
    return made


def _sources() -> Iterator[Path]:
    """What a wheel is built from."""
    yield from (ROOT / name for name in ("Cargo.lock", "Cargo.toml", "LICENSE", "README.md", "pyproject.toml"))
    built = {"__pycache__", "olmix.data", "tests", "examples"}
    for folder in (ROOT / "crates", ROOT / "python"):
        for parent, folders, files in os.walk(folder):
            # Of crates, their tests belong to what Cargo is told of.
            left_out = built if folder.name == "python" else {"__pycache__"}
            folders[:] = sorted(set(folders) - left_out)
            yield from (Path(parent, file) for file in sorted(files) if not file.endswith((".so", ".pyc")))


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: dict[str, str] | None = None) -> str:
    """Say what the wheel will be."""
    SCRIPTS.mkdir(parents=True, exist_ok=True)
    return maturin.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def get_requires_for_build_wheel(config_settings: dict[str, str] | None = None) -> list[str]:
    """Say what else the build needs: pip asks this first."""
    _check_tools()
    return maturin.get_requires_for_build_wheel(config_settings)


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
get_requires_for_build_editable = get_requires_for_build_wheel
get_requires_for_build_sdist = maturin.get_requires_for_build_sdist
