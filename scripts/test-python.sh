#!/usr/bin/env bash
# test-python.sh LIST FOLDER [PYTHON]: a virtual environment with the packages of a list of requirements, of the first Python on the path or
# of another. Does nothing where it is there.
set -euo pipefail
list=$1 folder=$2 python=${3:-python3}
if cmp -s "$list" "$folder/installed.txt"; then
  exit 0
fi
uv=$(dirname "$folder")/exports/uv
"$(dirname "$0")/test-uv.sh" "$uv"
rm -rf "$folder"
"$python" -m venv "$folder"
"$uv/bin/uv" pip install -q -p "$folder/bin/python" -r "$list"
cp "$list" "$folder/installed.txt"
