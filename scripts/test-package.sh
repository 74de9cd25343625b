#!/usr/bin/env bash
# test-package.sh WHEELS: tests the wheel of a folder in fresh environments, on the oldest Python that it is for and on the newest
# one here. What is installed stays in target/tmp/package*, and only the wheel is installed again.
#   --prepare   only makes the environments, without a wheel
set -euo pipefail
cd "$(dirname "$0")/.."

# The newest Python here, and one of 3.10.
pythons() {
  for version in 15 14 13 12 11 10; do
    for python in "python3.$version" "$HOME"/.pyenv/versions/3."$version".*/bin/python; do
      if "$python" -c 'import venv, ensurepip' > /dev/null 2>&1; then
        "$python" -c 'import sys; print(sys.executable)'
        break
      fi
    done
  done
}
mapfile -t found < <(pythons)
newest=${found[0]:-python3}
oldest=$(for python in "${found[@]}"; do "$python" -c 'import sys; print(sys.executable) if sys.version_info[:2] == (3, 10) else None'; done | grep -v None || true)

scripts/test-python.sh scripts/test-requirements-python.txt target/tmp/package "$newest"
scripts/test-python.sh scripts/test-requirements-integrations.txt target/tmp/integrations "$newest"
if [ "${1:-}" = --prepare ]; then
  exit 0
fi
wheel=$(ls -t "$1"/olmix-*.whl | head -1)

# From nothing to a first mixture, with nothing but the wheel: what README's Python section says.
for python in "$newest" ${oldest:+"$oldest"}; do
  fresh=$(mktemp -d)
  begun=$(date +%s)
  "$python" -m venv "$fresh/env"
  "$fresh/env/bin/python" -m pip install --quiet --disable-pip-version-check "$wheel"
  (cd "$fresh" && env -u PYTHONPATH -u OLMIX_BINARY env/bin/python "$OLDPWD/python/examples/quickstart.py" && env/bin/olmix --version)
  echo "$("$python" --version): from a fresh environment to a first mixture in $(($(date +%s) - begun)) s"
  rm -rf "$fresh"
done
if [ -z "$oldest" ]; then
  echo "skipped: there is no Python 3.10 here"
fi

for folder in target/tmp/package target/tmp/integrations; do
  "$folder/bin/python" -m pip install --quiet --no-deps --force-reinstall --disable-pip-version-check "$wheel"
done
unset OLMIX_BINARY PYTHONPATH
export OLMIX_TEST_PYTHON=1
with_tables=(python/tests/test_interface.py python/tests/test_long_work.py python/tests/test_bad_input.py python/tests/test_documentation.py)
target/tmp/package/bin/python -m pytest -q -p no:cacheprovider --nbmake "${with_tables[@]}" docs/python
target/tmp/package/bin/python -m mypy
# The stub of the extension says what the extension has.
(cd / && "$OLDPWD/target/tmp/package/bin/stubtest" olmix._olmix)
# pyright is a program of Node, which its package would download where it is not there.
if command -v node > /dev/null; then
  target/tmp/package/bin/pyright --pythonpath target/tmp/package/bin/python
fi
# Examples of the documentation, of the package as it was installed.
installed=$(cd / && "$OLDPWD/target/tmp/package/bin/python" -c 'import olmix, os; print(os.path.dirname(olmix.__file__))')
target/tmp/package/bin/python -m pytest -q -p no:cacheprovider --doctest-modules "$installed" --ignore "$installed/integrations"
# The pages of the documentation (scripts/python-docs.sh): every docstring has the parts that a reader needs, and no reference leads
# nowhere. The notebooks have been run.
target/tmp/package/bin/python -m sphinx -W --keep-going -q -D nb_execution_mode=off -b html docs/python target/tmp/python-docs
OLMIX_BINARY=$PWD/target/tmp/integrations/bin/olmix \
  target/tmp/integrations/bin/python -m pytest -q -rs -p no:cacheprovider python/tests "${with_tables[@]/#/--ignore=}"
