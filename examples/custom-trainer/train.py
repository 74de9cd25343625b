"""A small trainer in PyTorch, as `olmix launch` runs it: reads a mixture, trains on it, writes metrics.

What a trainer of your own has to do is marked with `olmix:`.
"""

import argparse
import json
import math
import os
import pathlib
import sys

import torch
from torch import nn

CONTEXT, WIDTH, BATCH, STEPS = 8, 64, 256, 600
MEASURED = ["arithmetic", "prose"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mix", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path(__file__).parent / "data")
    return parser.parse_args()


def tokens(path):
    return torch.tensor(list(path.read_bytes()), dtype=torch.long)


def batch(streams, shares, random):
    """Contexts (BATCH, CONTEXT) and the bytes that follow, from domains in proportion to their shares."""
    chosen = torch.multinomial(shares, BATCH, replacement=True, generator=random)
    contexts, targets = [], []
    for domain in chosen.tolist():
        stream = streams[domain]
        start = torch.randint(len(stream) - CONTEXT, (1,), generator=random).item()
        contexts.append(stream[start : start + CONTEXT])
        targets.append(stream[start + CONTEXT])
    return torch.stack(contexts), torch.stack(targets)


def bits_per_byte(model, stream):
    contexts = stream[:-1].unfold(0, CONTEXT, 1)
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model(contexts), stream[CONTEXT:])
    return loss.item() / math.log(2)


def write_whole(path, write):
    """Under its name a file is complete: a run may be killed at any moment."""
    temporary = path.with_suffix(".tmp")
    write(temporary)
    os.replace(temporary, path)


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    # olmix: {mix_json} names a file with {"domain": share, ...}.
    mixture = json.loads(options.mix.read_text())
    missing = [name for name in mixture if not (options.data / f"{name}.txt").is_file()]
    if missing:
        # olmix: exit code 2 is a configuration that can't work; such a run is not tried again.
        print(f"error: no data for {', '.join(missing)}: run data.py first")
        sys.exit(2)
    streams = [tokens(options.data / f"{name}.txt") for name in mixture]
    shares = torch.tensor(list(mixture.values()))

    layers = [nn.Embedding(256, WIDTH), nn.Flatten(), nn.Linear(CONTEXT * WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 256)]
    model = nn.Sequential(*layers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    random = torch.Generator().manual_seed(options.seed)
    begin, checkpoint = 0, options.out / "checkpoint.pt"

    # olmix: {out} is the run's folder, and still there after a run was killed: go on from it.
    if checkpoint.exists():
        saved = torch.load(checkpoint)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        random.set_state(saved["random"])
        begin = saved["step"]

    for step in range(begin, STEPS):
        contexts, targets = batch(streams, shares, random)
        loss = nn.functional.cross_entropy(model(contexts), targets)
        if not math.isfinite(loss.item()):
            # olmix: exit code 3 is a run that diverged; it is not tried again.
            print(f"error: the loss is {loss.item()} at step {step}")
            sys.exit(3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % 100 == 0:
            # olmix: what is printed goes to log.txt in the run's folder.
            print(f"step {step + 1}: loss {loss.item():.4f}", flush=True)
            state = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "random": random.get_state(),
                "step": step + 1,
            }
            write_whole(checkpoint, lambda path: torch.save(state, path))

    # olmix: `trainer.metrics` names this file: {"metric": number, ...}, lower is better.
    metrics = {name: bits_per_byte(model, tokens(options.data / f"{name}.heldout.txt")) for name in MEASURED}
    write_whole(options.out / "metrics.json", lambda path: path.write_text(json.dumps(metrics)))


if __name__ == "__main__":
    main()
