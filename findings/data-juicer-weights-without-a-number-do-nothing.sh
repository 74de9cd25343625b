#!/usr/bin/env bash
# py-data-juicer 1.6.1 (2026): the weights of a mixture are not used, unless a number of samples is asked for; and then the last
# sources of the list may get nothing.
#
# Guess: `--dataset_path "0.9 web.jsonl 0.1 code.jsonl"`, weights being relative as its help says, gives nine documents of web to one
#   of code; the same in the form of a list of `configs` with a `weight` each. If weights cannot be used, it says so.
# Seen: both give all of both files, whatever the weights: 1,000 and 100 documents for .9 and .1 as for .1 and .9, exit code 0 and no
#   word on it. Only `max_sample_num` makes weights count, and the command line has no way to give one with paths, so there a
#   weight never does anything. With it, each source's number is rounded up and the sources at the end get what is left:
#   100 samples of 60 sources of equal weight are two each of the first fifty, and none of the last ten.
# Why it matters: a recipe with weights in it, and a log that prints them, is taken as the record of the mixture. What was trained on
#   is the sizes of the files: code is 9 % here where 90 % was meant. With a number, the same files listed
#   in another order leave other domains at zero.
# Where: data_juicer/core/data/dataset_builder.py: DatasetBuilder.__init__ sets all weights to 1.0 if max_sample_num is
#   not set, rewrite_cli_datapath is called without its second argument, get_sample_numbers takes np.ceil in turn.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check py-data-juicer==1.6.1 datasets==5.2.0 aiohttp==3.14.5
export HF_HOME="$work/hf" HF_HUB_OFFLINE=1 DATA_JUICER_CACHE_HOME="$work/juicer"
cd "$work"
cat > check.py <<'EOF'
import json
import subprocess
import sys
from collections import Counter
from importlib.metadata import version
from pathlib import Path

SIZES = {"web": 1000, "code": 100} | {f"domain{number:02}": 10 for number in range(60)}
for name, size in SIZES.items():
    rows = (json.dumps({"text": f"{name} {row}", "source": name}) + "\n" for row in range(size))
    Path(f"{name}.jsonl").write_text("".join(rows))
RECIPE = {"project_name": "mix", "np": 1, "open_tracer": False, "process": []}


def mixed(name, *options, **recipe):
    """How many documents of each source the mixture has."""
    recipe = RECIPE | {"export_path": f"{name}/mix.jsonl"} | recipe
    Path(f"{name}.json").write_text(json.dumps(recipe))
    command = [Path(sys.executable).with_name("dj-process"), "--config", f"{name}.json", *options]
    with open("log.txt", "a") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log)
    return Counter(json.loads(line)["source"] for line in open(f"{name}/mix.jsonl"))


def sources(weights, **options):
    configs = [{"type": "local", "path": f"{name}.jsonl", "weight": weight} for name, weight in weights.items()]
    return {"dataset": {"configs": configs} | options}


print("py-data-juicer", version("py-data-juicer"))
seen = {}
for web, code in ((0.9, 0.1), (0.1, 0.9)):
    line = mixed(f"line{web}", "--dataset_path", f"{web} web.jsonl {code} code.jsonl")
    listed = mixed(f"list{web}", **sources({"web": web, "code": code}))
    number = mixed(f"number{web}", **sources({"web": web, "code": code}, max_sample_num=500))
    print(f"weights {web} and {code}: on the command line {dict(line)}, in a list {dict(listed)}, "
          f"with max_sample_num 500 {dict(number)}")
    assert line == listed == {"web": 1000, "code": 100}, "weights count without a number now"
    assert number == {"web": 500 * web, "code": 500 * code}, "weights no longer count with a number"
equal = {name: 1.0 for name in SIZES if name.startswith("domain")}
each = mixed("equal", **sources(equal, max_sample_num=100))
print(f"100 samples of 60 equal sources: {len(each)} sources, each {set(each.values())}, none of {sorted(set(equal) - set(each))}")
assert len(each) == 50 and set(each.values()) == {2} and "domain59" not in each, "samples are dealt out in another way"
print("as recorded: weights do nothing without max_sample_num, and the last sources get none with it")
EOF
"$work/venv/bin/python" check.py || { tail -n 20 log.txt >&2; exit 1; }
