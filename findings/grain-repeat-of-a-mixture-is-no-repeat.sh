#!/usr/bin/env bash
# grain 0.2.18 (June 2026): repeat(3) of a mixture repeats only its smallest source.
#
# Guess: a mixture of 10 small and 1,000 large documents at half and half has 20 places (it ends with the
#   small source); mixture.repeat(3) gives these 20 documents three times. That repeat reseeds what is
#   random by default makes no difference here: nothing is random.
# Seen: 60 places hold the 10 small documents three times and 30 *different* large ones, in order 0, 1, 2 …
#   29. The large source goes on where the "epoch" before ended. With reseed_each_epoch=False, named for
#   seeds, the 20 documents do come three times.
# Why it matters: epochs of a mixture are epochs of one source. Counting repetitions as epochs x share
#   says that 10 large documents were seen 3 times; each was seen once. The two settings, which one would
#   take for the same without shuffling, train on 30 or on 10 documents of the large source.
# Where: grain/_src/python/dataset/transformations/repeat.py: RepeatMapDataset.__getitem__ passes the index
#   on as it is, past the end of the mixture; mix.py turns it into an index of each source, which wraps
#   around at that source's own length.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check grain==0.2.18
cd "$work"
cat > check.py <<'EOF'
from importlib.metadata import version

import grain

SMALL, LARGE, TIMES = 10, 1000, 3


def documents(name, size):
    return grain.MapDataset.source([(name, number) for number in range(size)])


mixture = grain.MapDataset.mix([documents("small", SMALL), documents("large", LARGE)], weights=[0.5, 0.5])
print("grain", version("grain"), "places of the mixture:", len(mixture))
distinct = {}
for reseed in (True, False):
    repeated = mixture.repeat(TIMES, reseed_each_epoch=reseed)
    rows = [repeated[index] for index in range(len(repeated))]
    for name in ("small", "large"):
        numbers = [number for source, number in rows if source == name]
        distinct[reseed, name] = len(set(numbers))
        print(f"reseed_each_epoch={reseed}: {name} {len(numbers)} places, {len(set(numbers))} different "
              f"documents, the second time from {numbers[len(mixture) // 2]}")
assert len(mixture) == 2 * SMALL, "the mixture no longer ends with its smallest source"
assert distinct[True, "small"] == SMALL and distinct[True, "large"] == TIMES * SMALL, "repeat now repeats all"
assert distinct[False, "large"] == SMALL, "reseed_each_epoch=False no longer repeats all"
print("as recorded: by default only the smallest source is repeated")
EOF
"$work/venv/bin/python" check.py 2> stderr.txt || { cat stderr.txt >&2; exit 1; }
