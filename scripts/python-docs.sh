#!/usr/bin/env bash
# python-docs.sh [FOLDER]: makes HTML of docs/python and of the docstrings into FOLDER (target/python-docs); a warning is an error.
# olmix must be importable (pip install ., or scripts/build-wheel.sh). OLMIX_PYTHON names the Python; the tools are installed into an
# environment of their own, which sees its packages.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${OLMIX_PYTHON:-python3}
output=${1:-target/python-docs}
tools=${OLMIX_DOCS_TOOLS:-target/python-docs-tools}
if [ ! -x "$tools/bin/sphinx-build" ]; then
  "$python" -m venv --system-site-packages "$tools"
  "$tools/bin/python" -m pip install --quiet --disable-pip-version-check 'sphinx>=8' 'numpydoc>=1.8' 'myst-nb>=1.2' 'ipykernel>=6.29' pandas
fi
PATH="$PWD/$tools/bin:$PATH" "$tools/bin/python" -m sphinx -W --keep-going -q -b html docs/python "$output"
echo "$output/index.html"
