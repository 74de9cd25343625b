#!/usr/bin/env bash
# test-python.sh LIST FOLDER: a virtual environment with the packages of a list of requirements. Does nothing where it is there.
set -euo pipefail
list=$1 folder=$2
if cmp -s "$list" "$folder/installed.txt"; then
  exit 0
fi
rm -rf "$folder"
python3 -m venv "$folder"
# Modules that nothing imports need not be compiled.
"$folder/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check -r "$list"
cp "$list" "$folder/installed.txt"
