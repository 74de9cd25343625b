#!/usr/bin/env bash
# grain 0.2.18 (June 2026): weights of a mixture that differ by less than 1 % are the same, and all but the smallest lose.
#
# Guess: weights=[1.0, 1.009] draws 0.4978 and 0.5022.
# Seen: half and half. [1000, 1009], whole numbers, too. [.29, .71] is drawn as .2907 and .7093. With ten domains, one of weight
#   1 and nine of 1.0099, the smallest gets 0.9 % more than its share.
# Why it matters: the error goes one way. Domains lose up to 1 % of their share, and the one with the smallest weight gains as much,
#   past a cap on its epochs where it was at the cap. A sweep in steps below 1 % of the smallest weight trains one mixture again.
# Where: grain/_src/python/dataset/transformations/mix.py, _float_to_int_proportions: weights become
#   int(weight * 100 / smallest); used by MapDataset.mix and IterDataset.mix.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check grain==0.2.18
cd "$work"
cat > check.py <<'EOF'
from collections import Counter
from importlib.metadata import version
from itertools import islice

import grain

COUNT = 20_000


def parts(weights):
    return [grain.MapDataset.source([number]).repeat() for number in range(len(weights))]


def shares(weights):
    mixed = grain.MapDataset.mix(parts(weights), weights=weights)
    counts = Counter(mixed[index] for index in range(COUNT))
    return [counts[number] / COUNT for number in range(len(weights))]


def streamed(weights):
    mixed = grain.IterDataset.mix([part.to_iter_dataset() for part in parts(weights)], weights=weights)
    counts = Counter(islice(mixed, COUNT))
    return [counts[number] / COUNT for number in range(len(weights))]


print("grain", version("grain"))
near, whole, two = shares([1.0, 1.009]), shares([1000, 1009]), shares([0.29, 0.71])
ten = [1.0] + [1.0099] * 9
smallest = shares(ten)[0] / (ten[0] / sum(ten))
print("weights 1.0 and 1.009:", near, "due:", [round(1 / 2.009, 4), round(1.009 / 2.009, 4)])
print("weights 1000 and 1009:", whole)
print("the same, streamed:", streamed([1000, 1009]))
print("weights 0.29 and 0.71:", two)
print(f"ten domains: the smallest is drawn {smallest:.4f} times its share")
assert near == whole == streamed([1000, 1009]) == [0.5, 0.5], "weights that differ by 0.9 % are told apart now"
assert 0.2905 < two[0] < 0.2909, "0.29 is no longer raised"
assert smallest > 1.008, "the smallest weight gets no more than its share"
print("as recorded: weights are whole hundredths of the smallest, rounded down")
EOF
"$work/venv/bin/python" check.py 2> stderr.txt || { cat stderr.txt >&2; exit 1; }
