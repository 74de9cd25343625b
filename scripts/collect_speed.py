"""Measures `olmix collect` on offline runs of Weights & Biases.

Usage: collect_speed.py OLMIX FOLDER [RUNS] [METRICS] [STEPS]. Needs the packages of scripts/test-requirements.txt.

The package writes one run with METRICS metrics and STEPS logged steps. Its file is copied RUNS times, with another
id, name and mixture in each copy, since the package takes minutes to write 500 of them.
"""
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
os.environ["WANDB_CONSOLE"] = "off"
import wandb  # noqa: E402
from wandb.proto import wandb_internal_pb2 as messages  # noqa: E402

BLOCK, HEADER = 32768, 7


def write_one(folder, metrics, steps):
    with wandb.init(project="p", name="name", dir=folder, config={"mixture": {"web": 0.5, "code": 0.5}}) as run:
        for step in range(steps):
            run.log({f"eval/task-{i:02}/bpb": 1 + i / 50 + 1 / (step + 1.3) for i in range(metrics)})
    return next(Path(folder).glob("wandb/offline-run-*/*.wandb"))


def records(data):
    at, record = HEADER, b""
    while at < len(data):
        if BLOCK - at % BLOCK < HEADER:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + HEADER])
        record += data[at + HEADER : at + HEADER + length]
        at += HEADER + length
        if kind in (1, 4):
            yield record
            record = b""


def write_log(path, header, parts):
    out = bytearray(header)
    for record in parts:
        first = True
        while True:
            left = BLOCK - len(out) % BLOCK
            if left < HEADER:
                out += bytes(left)
                continue
            piece, record = record[: left - HEADER], record[left - HEADER :]
            kind = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}[first, not record]
            out += struct.pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind) + piece
            first = False
            if not record:
                break
    path.parent.mkdir(parents=True)
    path.write_bytes(out)


def copies(log, folder, runs):
    data = log.read_bytes()
    whole = list(records(data))
    for run in range(runs):
        id = f"copy{run:04}"

        def renamed(record):
            message = messages.Record.FromString(record)
            if message.WhichOneof("record_type") != "run":
                return record
            message.run.run_id, message.run.display_name = id, f"run-{run:04}"
            for item in message.run.config.update:
                if item.key == "mixture":
                    web = run / runs
                    item.value_json = f'{{"web":{web},"code":{1 - web}}}'
            return message.SerializeToString()

        # The record of the run is among the first.
        parts = [renamed(record) for record in whole[:10]] + whole[10:]
        write_log(folder / f"wandb/offline-run-20260101_000000-{id}/run-{id}.wandb", data[:HEADER], parts)


def main():
    olmix, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    runs, metrics, steps = (int(x) for x in (sys.argv[3:] + ["500", "50", "1000"][len(sys.argv) - 3 :]))
    swarm = folder / "swarm"
    if not swarm.exists():
        (folder / "one").mkdir(parents=True)
        copies(write_one(folder / "one", metrics, steps), swarm, runs)
    size = sum(path.stat().st_size for path in swarm.glob("wandb/*/*.wandb"))
    for _ in range(3):
        began = time.time()
        command = [olmix, "collect", "--swarm", swarm, "--output", folder / "out", "--quiet"]
        _, status, used = os.wait4(subprocess.Popen(command).pid, 0)
        assert status == 0
        took, peak = time.time() - began, used.ru_maxrss / 1024
        print(f"{runs} runs of {metrics} metrics and {steps} steps, {size / 1e9:.2f} GB: {took:.1f} s, {peak:.0f} MB")


main()
