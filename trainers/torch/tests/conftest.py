"""Run folders as `olmix proxy prepare` makes them, so that most tests need no other program."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

os.environ["CUDA_VISIBLE_DEVICES"] = ""
TRAINER = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TRAINER))


def make_run(folder, *, model=None, recipe=None, shard_tokens=(700, 5, 900), seed=1):
    """Two leaves of several shards of different widths, and an index that reads across them."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    shape = dict(size="demo", vocab=61, width=32, layers=2, heads=4, hidden=48, context=16)
    shape |= dict(rope_theta=10000.0, norm_eps=1e-5, qk_norm=False, init_std=0.02) | (model or {})
    plan = dict(seed=3, steps=40, batch=8, learning_rate=0.01, warmup_steps=4, decay_steps=10, beta1=0.9, beta2=0.99)
    plan |= dict(adam_eps=1e-8, weight_decay=0.1, clip=1.0, z_loss=1e-5, micro_batch=8)
    plan |= dict(checkpoint_every=7, log_every=1) | (recipe or {})
    random = np.random.default_rng(seed)
    leaves, tokens = [], []
    for leaf, width in (("web", 2), ("code", 4)):
        # A walk of small strides: something that can be learnt.
        walk = np.cumsum(random.integers(1, 4, sum(shard_tokens))) % shape["vocab"]
        shards, start = [], 0
        for number, length in enumerate(shard_tokens):
            path, offset = folder / "shards" / leaf / f"{number:05}.bin", 4 * number
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\xff" * offset + walk[start : start + length].astype(f"<u{width}").tobytes())
            shards.append(dict(path=str(path), offset=offset, width=width, tokens=length))
            start += length
        leaves.append(dict(name=leaf, weight=0.5, repetition_factor=4.0, sequences=0, shards=shards))
        tokens.append(walk)
    records = np.zeros(plan["steps"] * plan["batch"], [("leaf", "<u4"), ("start", "<u8")])
    records["leaf"] = random.integers(0, 2, len(records))
    records["start"] = random.integers(0, sum(shard_tokens) - shape["context"], len(records))
    (folder / "sequences.bin").write_bytes(records.tobytes())
    run = dict(format="olmix run", version=1, name="test", group=None, model=shape, recipe=plan)
    run |= dict(data=dict(leaves=leaves, end_of_text=shape["vocab"] - 1), tokenizer="bytes")
    run |= dict(evaluation=dict(tasks=[], few_shot={}, validation=[]))
    (folder / "run.json").write_text(json.dumps(run))
    return tokens, records


def edit_plan(folder, change):
    """Rewrites run.json after `change` was made to it."""
    file = Path(folder) / "run.json"
    plan = json.loads(file.read_text())
    change(plan)
    file.write_text(json.dumps(plan))


def command(folder, *more, processes=1):
    """The words that train a run."""
    start = [sys.executable, "-m"]
    if processes > 1:
        start += ["torch.distributed.run", "--standalone", f"--nproc-per-node={processes}", "-m"]
    return [*start, "olmix_torch", "train", "--out", str(folder), *more]


def environment(**more):
    return os.environ | {"PYTHONPATH": str(TRAINER), "OMP_NUM_THREADS": "1"} | more


def train(folder, *more, processes=1, **variables):
    """Trains a run to its end; what the process left."""
    words = command(folder, *more, processes=processes)
    return subprocess.run(words, env=environment(**variables), capture_output=True, text=True, timeout=300)


def metrics(folder):
    """metrics.jsonl without what depends on the clock."""
    lines = [json.loads(line) for line in (Path(folder) / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["tokens_per_second"]
    return lines


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A run that was left alone."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    make_run(folder)
    done = train(folder)
    assert done.returncode == 0, done.stderr
    return folder
