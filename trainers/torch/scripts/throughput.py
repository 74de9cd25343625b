"""Tokens per second of whole training steps (forward, backward, clip, AdamW) on the CPU, as JSON.

    python scripts/throughput.py --run RUN --threads 2 --seconds 20

Eager mode with fused attention, in float32, as the trainer runs without a GPU. Tokens are random, so that reading them
costs nothing; shape and recipe are those of a prepared run. `--micro-batch` is how many sequences go through the model at
once.

`cores_used_by_others` must be near 0: threads of PyTorch wait for each other after every operation, so that one other
busy process costs far more than its share (a tenth of the speed was left where two compilers ran beside two threads).
Leave out samples in which it is not.
"""

import argparse
import dataclasses
import json
import os
import statistics
import sys
import time
from pathlib import Path

os.environ["CUDA_VISIBLE_DEVICES"] = ""
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch  # noqa: E402

from olmix_torch import plan as plans  # noqa: E402
from olmix_torch.failure import Failure  # noqa: E402
from olmix_torch.model import ProxyModel, initialize  # noqa: E402
from olmix_torch.train import adamw, gradients  # noqa: E402
from olmix_torch.workers import Workers  # noqa: E402

WARM_SECONDS = 1.0
OTHERS = 0.05


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", required=True, help="a run's folder")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--micro-batch", type=int)
    options = parser.parse_args()
    try:
        plan = plans.load(options.run)
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.code)
    shape, recipe = plan.model, plan.recipe
    if options.micro_batch:
        recipe = dataclasses.replace(recipe, micro_batch=options.micro_batch)
    torch.set_num_threads(options.threads)
    print(json.dumps(measure(shape, recipe, options.seconds) | {"threads": options.threads}))


def busy_seconds():
    """Seconds that all cores have been busy, or were taken away by the host; None where Linux does not say."""
    try:
        numbers = [int(number) for number in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    user, nice, system, _idle, _waiting, interrupts, soft, steal = numbers
    return (user + nice + system + interrupts + soft + steal) / os.sysconf("SC_CLK_TCK")


def measure(shape, recipe, seconds):
    """Steps until the time is over, after some that are not counted."""
    workers = Workers()
    model = ProxyModel(shape)
    initialize(model, shape, recipe.seed)
    optimizer = adamw(model, recipe)
    batch = torch.randint(0, shape.vocab, (recipe.batch, shape.context + 1))

    def step():
        began = time.perf_counter()
        gradients(workers, recipe, model, model, batch)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return time.perf_counter() - began

    warm = time.perf_counter()
    while True:
        step()
        if time.perf_counter() - warm > WARM_SECONDS:
            break
    busy, own, wall = busy_seconds(), time.process_time(), time.perf_counter()
    times = [step()]
    while sum(times) < seconds:
        times.append(step())
    own, wall = time.process_time() - own, time.perf_counter() - wall
    others = None if busy is None else max(0.0, (busy_seconds() - busy - own) / wall)
    if others is not None and others > OTHERS:
        print(f"other processes used {others:.2f} cores meanwhile: this is no measurement", file=sys.stderr)
    tokens = recipe.batch * shape.context
    embedding = ("model.embed_tokens.weight", "lm_head.weight")
    return {
        "trainer": "torch",
        "version": torch.__version__,
        "size": shape.size,
        "parameters": sum(p.numel() for p in model.parameters()),
        "non_embedding": sum(p.numel() for name, p in model.named_parameters() if name not in embedding),
        "context": shape.context,
        "batch_tokens": tokens,
        "micro_batch": min(recipe.micro_batch, recipe.batch),
        "steps": len(times),
        "cores_used": round(own / wall, 3),
        "cores_used_by_others": None if others is None else round(others, 3),
        "seconds": round(sum(times), 3),
        "tokens_per_second": round(tokens * len(times) / sum(times)),
        "tokens_per_second_of_median_step": round(tokens / statistics.median(times)),
    }


if __name__ == "__main__":
    main()
