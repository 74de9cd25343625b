"""A mixture as a file that every command of olmix reads, and as the configuration of a trainer."""

import tempfile
from pathlib import Path

import olmix

mix = olmix.fit(olmix.examples.swarm()).propose(target_tokens=1e10, repetition=4)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "mixture.json"
    mix.save(path)
    again = olmix.read_mixture(path)

assert again.weights == mix.weights
print(again.export("csv"))
