#!/usr/bin/env bash
# build-wheel.sh [FOLDER]: builds the wheel of olmix for Python, with the command in it, and the source distribution, into FOLDER
# (target/wheels). Installs the build tool into an environment of its own. OLMIX_BUILD_PROFILE=dev builds without optimization, for tests.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "${1:-$root/target/wheels}"
folder=$(cd "${1:-$root/target/wheels}" && pwd)
cd "$root"
tools=${OLMIX_WHEEL_TOOLS:-target/wheel-tools}
if [ ! -x "$tools/bin/maturin" ]; then
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'maturin>=1.10,<2'
fi
rm -f "$folder"/olmix-*.whl
OLMIX_WHEEL=manylinux PATH="$(cd "$tools/bin" && pwd):$PATH" "$tools/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps \
  --no-build-isolation --wheel-dir "$folder" .
for wheel in "$folder"/olmix-*.whl; do
  bytes=$(stat -c %s "$wheel")
  echo "$wheel: $((bytes / 1000)) kB"
  # A wheel of this size would be refused by users on slow lines, and means that something was packed by mistake.
  if [ "${OLMIX_BUILD_PROFILE:-release}" = release ] && [ "$bytes" -gt 20000000 ]; then
    echo "build-wheel.sh: the wheel is larger than 20 MB" >&2
    exit 1
  fi
done

PATH="$(cd "$tools/bin" && pwd):$PATH" PYTHONPATH=python "$tools/bin/python" -c \
  'import build_backend, sys; build_backend.build_sdist(sys.argv[1])' "$folder" > /dev/null
# Cargo finds in it all that it is told of.
unpacked=$(mktemp -d)
tar -xzf "$folder"/olmix-*.tar.gz -C "$unpacked"
cargo metadata --locked --format-version 1 --manifest-path "$unpacked"/olmix-*/Cargo.toml > /dev/null
rm -rf "$unpacked"
echo "$(ls "$folder"/olmix-*.tar.gz): whole"
