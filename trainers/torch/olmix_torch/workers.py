"""The processes of a run: one, or those that `torchrun` started."""

import os
from contextlib import nullcontext
from datetime import timedelta

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from .failure import BadInput

# Others wait while the first process prepares the run or writes a checkpoint to a slow disk.
PATIENCE = timedelta(hours=2)


class Workers:
    """This process among the others: its rank, its device, and sums over all."""

    def __init__(self):
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        self.first = self.rank == 0
        if torch.cuda.is_available():
            number, gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
            if number >= gpus:
                raise BadInput(
                    f"process {number} (the first is 0) has no GPU, there are {gpus}: start a process per GPU, --nproc-per-node {gpus}"
                )
            self.device = torch.device("cuda", number)
            torch.cuda.set_device(self.device)
        else:
            self.device = torch.device("cpu")
        self.cuda = self.device.type == "cuda"
        if self.count > 1:
            dist.init_process_group("nccl" if self.cuda else "gloo", timeout=PATIENCE)

    def after_first(self, work):
        """Every process does `work`, the others once the first has: it makes what they read, and says what is wrong."""
        if self.first:
            done = work()
        self.agreed(0)
        return done if self.first else work()

    def agreed(self, number):
        """The first process's whole number, in every process."""
        if self.count == 1:
            return number
        shared = torch.tensor(number, dtype=torch.int64, device=self.device)
        dist.broadcast(shared, 0)
        return int(shared)

    def mean(self, value):
        """The mean of a tensor over the processes."""
        if self.count > 1:
            dist.all_reduce(value)
            value /= self.count
        return value

    def share(self, model):
        """The model whose gradients are means over all processes."""
        if self.count == 1:
            return model
        return DistributedDataParallel(model, device_ids=[self.device.index] if self.cuda else None)

    def accumulate(self, model, last):
        """Gradients are exchanged with the last of a step's micro batches only."""
        return nullcontext() if last or self.count == 1 else model.no_sync()

    def close(self):
        if self.count > 1:
            dist.destroy_process_group()
