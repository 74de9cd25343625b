#!/usr/bin/env bash
# trackio 0.43.0 (October 2026): import_csv names metrics by their first ten letters and their column.
#
# Guess: a column "train/loss_web" of a CSV becomes the metric train/loss_web. If names had to be cut, a
#   name would at least mean the same in all runs.
# Seen: all but letters, digits and "/" is dropped, then all but the first ten of what is left; equal names
#   get _1, _2 by the order of the columns. train/loss, train/loss_web, train/loss_code become train/loss,
#   train/loss_1, train/loss_2: and in a run whose file has code before web, train/loss_1 is code.
#   Logged directly, the names stay as they are. A column with one word in it ("n/a") is left out, unsaid.
# Why it matters: losses by domain share long prefixes and differ at the end. Runs imported from files of
#   two program versions are compared on charts in which web and code have changed places; nothing fails,
#   the numbers look plausible.
# Where: trackio/utils.py simplify_column_names (base_name = alphanumeric[:10]), called by
#   trackio/imports.py import_csv.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check trackio==0.43.0
export TRACKIO_DIR="$work/trackio" HF_HUB_OFFLINE=1
cd "$work"
cat > check.py <<'EOF'
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import trackio
from trackio.sqlite_storage import SQLiteStorage

LOSSES = {"train/loss": 3.0, "train/loss_web": 3.5, "train/loss_code": 2.5}


def imported(project, columns, extra=""):
    rows = [",".join(["step", *columns, *(["eval/mmlu"] if extra else [])])]
    for step in (1, 2):
        rows.append(",".join([str(step), *(str(LOSSES[c]) for c in columns), *([extra] if extra else [])]))
    Path(f"{project}.csv").write_text("\n".join(rows) + "\n")
    with redirect_stdout(StringIO()):
        trackio.import_csv(f"{project}.csv", project=project, name="run")
    last = SQLiteStorage.get_logs(project, "run")[-1]
    return {key: value for key, value in last.items() if key not in ("step", "timestamp")}


print("trackio", trackio.__version__)
a = imported("web-first", ["train/loss", "train/loss_web", "train/loss_code"])
b = imported("code-first", ["train/loss", "train/loss_code", "train/loss_web"])
c = imported("with-a-word", list(LOSSES), extra="n/a")
print("web before code:", a)
print("code before web:", b)
print("with a column of n/a:", c)
assert a == {"train/loss": 3.0, "train/loss_1": 3.5, "train/loss_2": 2.5}, "names are made in another way"
assert b == {"train/loss": 3.0, "train/loss_1": 2.5, "train/loss_2": 3.5}, "names do not depend on the order"
assert not any("mmlu" in key for key in c), "a column that holds a word is imported"
print("as recorded: train/loss_1 is web in one run and code in the other")
EOF
"$work/venv/bin/python" check.py
