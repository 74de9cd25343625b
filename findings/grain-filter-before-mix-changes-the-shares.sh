#!/usr/bin/env bash
# grain 0.2.18 (June 2026): what a filter throws away is counted in the shares of a mixture made later.
#
# Guess: MapDataset.mix([web.filter(good), code], weights=[.5, .5]) gives half web, half code, of what is
#   left after the filter.
# Seen: a filter that keeps 1 document of 5 makes it 1/6 web and 5/6 code, without a word. The same chain
#   with IterDataset.mix gives half and half. The mixture's length still says 20,000; 12,000 come.
# Why it matters: a stricter quality filter on one domain silently lowers its weight: two settings change
#   at once, and the weight that was proposed is not the one trained on. Repeating the sources does not
#   help, and the two kinds of data set, elsewhere alike, differ.
# Where: grain/_src/python/dataset/transformations/filter.py: FilterMapDataset keeps the place of a
#   rejected element and returns None for it; mix.py (_dataset_and_key_of_next_element) hands out places;
#   the Nones are dropped later, in to_iter_dataset.
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

SIZE, KEPT_OF = 10_000, 5


def documents(name):
    return grain.MapDataset.source([(name, number) for number in range(SIZE)])


def share(rows):
    counts = Counter(name for name, _ in rows)
    return counts["web"] / counts.total(), dict(counts)


good = documents("web").filter(lambda row: row[1] % KEPT_OF == 0)
code = documents("code")
mixed = grain.MapDataset.mix([good, code], weights=[0.5, 0.5])
repeated = grain.MapDataset.mix([good.repeat(), code.repeat()], weights=[0.5, 0.5])
streamed = grain.IterDataset.mix([good.to_iter_dataset(), code.to_iter_dataset()], weights=[0.5, 0.5])

print("grain", version("grain"))
seen = {}
for kind, rows in (
    ("MapDataset.mix", mixed.to_iter_dataset()),
    ("MapDataset.mix, sources repeated", islice(repeated.to_iter_dataset(), 6000)),
    ("IterDataset.mix", streamed),
):
    seen[kind], counts = share(rows)
    print(f"{kind}: share of web {seen[kind]:.4f} (weight 0.5), {counts}")
print("length of MapDataset.mix:", len(mixed))
assert abs(seen["MapDataset.mix"] - 1 / (KEPT_OF + 1)) < 0.01, "MapDataset.mix no longer counts rejected ones"
assert abs(seen["MapDataset.mix, sources repeated"] - 1 / (KEPT_OF + 1)) < 0.01, "repeated sources differ now"
assert abs(seen["IterDataset.mix"] - 0.5) < 0.01, "IterDataset.mix no longer keeps the weights"
assert len(mixed) == 2 * SIZE, "the length knows of the filter now"
print("as recorded: rejected documents take their part of the mixture's places, in MapDataset only")
EOF
"$work/venv/bin/python" check.py 2> stderr.txt || { cat stderr.txt >&2; exit 1; }
