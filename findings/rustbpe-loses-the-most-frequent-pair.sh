#!/usr/bin/env bash
# rustbpe 0.1.0 (January 2026): a pair that occurs 2^31 times is never merged.
#
# Guess: pairs are counted in 64 bits: a tokenizer's first merge is the most frequent pair of its text, for
#   a large text as for a small one of the same make.
# Seen: with 20 million "ab" and 1 million "cd" the first merge is ab. With 2.2 billion "ab" and 10 million
#   "cd" it is cd, and ab is never merged: its count went past 2^31 and counts as negative. No error, no
#   warning; memory and time stay ordinary.
# Why it matters: a tokenizer is trained on a sample of the mixture, and samples grow with budgets. A pair
#   that makes up 2 bytes in 100 gets there at some 100 GB of text, runs of spaces in code much sooner: the
#   commonest pairs are the ones that get lost, and every share and epoch is then counted in other tokens.
#   (For the trainer of Hugging Face's tokenizers the same is an open report, issue 2058 of its repository.)
# Where: src/lib.rs of rustbpe, count_pairs_parallel: words' counts and pairs' counts are i32.
# Takes 2 to 4 minutes: one text of 20,000 letters is passed 220,000 times.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check rustbpe==0.1.0
cd "$work"
cat > check.py <<'EOF'
from importlib.metadata import version
from itertools import repeat, chain

import rustbpe

PAIRS = 10_000  # pairs in a text


def merges(frequent, rare):
    """The first two merges learnt from that many texts of ab and of cd."""
    texts = chain(repeat("ab" * PAIRS, frequent), repeat("cd" * PAIRS, rare))
    tokenizer = rustbpe.Tokenizer()
    tokenizer.train_from_iterator(texts, vocab_size=258, pattern=r"(?s).+")
    learnt = [bytes(token).decode() for token, _ in tokenizer.get_mergeable_ranks()[256:]]
    print(f"ab {frequent * PAIRS:,} times, cd {rare * PAIRS:,} times: merges {learnt}", flush=True)
    return learnt


print("rustbpe", version("rustbpe"))
assert merges(2_000, 100) == ["ab", "abab"], "the small text gives other merges"
assert merges(220_000, 1_000) == ["cd", "cdcd"], "2^31 is no limit any more"
print("as recorded: the pair that is 220 times as frequent is the one not merged")
EOF
"$work/venv/bin/python" check.py
