#!/usr/bin/env bash
# python-docs.sh WHEELS [FOLDER]: makes HTML of docs/python and of the docstrings of the wheel in WHEELS (scripts/build-wheel.sh makes
# it) into FOLDER (target/python-docs); a warning is an error. The tools are installed into an environment of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$(ls -t "${1:?name the folder of the wheel}"/olmix-*.whl | head -1)
output=${2:-target/python-docs}
tools=${OLMIX_DOCS_TOOLS:-target/python-docs-tools}
if [ ! -x "$tools/bin/sphinx-build" ]; then
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check \
    'sphinx>=8' 'numpydoc>=1.8' 'myst-nb>=1.2' 'ipykernel>=6.29' pandas
fi
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
PATH="$(cd "$tools/bin" && pwd):$PATH" "$tools/bin/python" -m sphinx -W --keep-going -q -b html docs/python "$output"
echo "$output/index.html"
