#!/usr/bin/env bash
# lightning 2.6.6 (September 2026): on several devices, the passes over a small loader within an epoch have the same batches.
#
# Guess: train loaders {"web": …, "code": …}, both with shuffle=True, go on until the largest is through, and shorter ones begin again
#   (max_size_cycle, the default). Each beginning shuffles anew, as `iter` of a loader does, on two devices as on one. What is
#   drawn from one loader has nothing to do with what is drawn from the other.
# Seen: on one device it is so. On two, all passes over the smaller loader within an epoch are the same: the same batches in the same order,
#   and each rank has the same half of the domain in each. Two loaders of the same length are in the same order: row i of one comes
#   together with row i of the other, in every epoch. There is no message.
# Why it matters: a loader for each domain, with batch sizes in proportion to the shares, is how mixtures are trained with Lightning.
#   Small, good domains are those that are repeated most; an epoch of a large web crawl may hold ten passes over them. A test on one
#   GPU shows fresh shuffles, and the run on eight sees one order ten times.
# Where: loops/fit_loop.py, on_advance_start: `set_epoch` is called once for each epoch of the largest loader, and
#   utilities/combined_loader.py, _MaxSizeCycle.__next__, takes a new `iter` without it. The seed of the DistributedSampler that
#   takes the place of the shuffle is the same for all loaders (trainer/connectors/data_connector.py, _get_distributed_sampler).
# Downloads torch (3 GB with its GPU libraries; from an index of CPU wheels, set in PIP_INDEX_URL, 0.2 GB).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check lightning==2.6.6 torch==2.15.0
cd "$work"
cat > check.py <<'EOF'
import json
import logging
import warnings
from importlib.metadata import version
from pathlib import Path

import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything

torch.set_num_threads(1)
warnings.filterwarnings("ignore")
for name in ("lightning.pytorch", "lightning.fabric"):
    logging.getLogger(name).setLevel(logging.ERROR)
WEB, CODE, BATCH, EPOCHS = 64, 16, 2, 2


class Seen(LightningModule):
    """Writes down the rows that its rank is trained on."""

    def __init__(self):
        super().__init__()
        self.line, self.seen = torch.nn.Linear(1, 1), []

    def training_step(self, batch, index):
        self.seen.append({name: rows.tolist() for name, rows in batch.items()})
        return self.line(torch.ones(1, 1)).sum()

    def on_train_end(self):
        Path(f"{self.global_rank}.json").write_text(json.dumps(self.seen))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def train(devices, sizes):
    """The rows of each domain, by rank."""
    seed_everything(1, verbose=False)
    loaders = {
        name: torch.utils.data.DataLoader(range(size), batch_size=BATCH, shuffle=True) for name, size in sizes.items()
    }
    trainer = Trainer(
        accelerator="cpu",
        devices=devices,
        strategy="ddp_fork" if devices > 1 else "auto",
        max_epochs=EPOCHS,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Seen(), loaders)
    by_rank = [json.loads(Path(f"{rank}.json").read_text()) for rank in range(devices)]
    return [{name: [row for step in seen for row in step[name]] for name in sizes} for seen in by_rank]


def passes(rows, devices):
    """The rows of each pass over a domain."""
    size = CODE // devices
    return [tuple(rows[at : at + size]) for at in range(0, len(rows), size)]


print("lightning", version("lightning"), "torch", version("torch"))
for devices in (1, 2):
    for rank, seen in enumerate(train(devices, {"web": WEB, "code": CODE})):
        found = passes(seen["code"], devices)
        print(f"{devices} devices, rank {rank}: {len(set(found))} orders in {len(found)} passes over code, {EPOCHS} epochs")
        assert len(found) == EPOCHS * WEB // CODE
        # Every pass is a new order on one device, and every epoch on two.
        assert len(set(found)) == (len(found) if devices == 1 else EPOCHS)
        if devices == 2:
            first = found[: len(found) // EPOCHS]
            assert len(set(first)) == 1 and len(set(first[0])) == CODE // 2
for devices in (1, 2):
    same = [seen["web"] == seen["code"] for seen in train(devices, {"web": WEB, "code": WEB})]
    print(f"{devices} devices, two loaders of one length: in the same order on each rank: {same}")
    assert same == ([False] if devices == 1 else [True, True])
EOF
"$work/venv/bin/python" check.py
