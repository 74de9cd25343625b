"""The training loop."""

import fcntl
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor

import torch

from . import checksums
from . import plan as plans
from . import tokenizer
from .checkpoint import Checkpoints, save_weights, staged
from .data import Sequences
from .failure import BadInput, Diverged
from .log import Metrics, Progress, note
from .model import ProxyModel, config, initialize
from .workers import Workers

# A loss so many times that of guessing, ln(vocabulary), has diverged; as in `olmix proxy train`.
DIVERGED = 4.0
MODEL_FILES = ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")


def train(config_path, folder, compiled=None):
    """Trains the run in `folder` to its end, from its newest checkpoint if there is one.

    `compiled`: whether torch.compile is used; on GPUs unless said.
    """
    workers = Workers()
    run = workers.after_first(lambda: Run(config_path, folder, workers))
    try:
        run.go(workers.cuda if compiled is None else compiled)
    except Diverged as diverged:
        # All processes see it; the first says it before any ends, as torchrun then stops the others.
        if workers.first:
            note(diverged)
        workers.agreed(0)
        raise
    workers.close()


def adamw(model, recipe):
    """Decoupled weight decay on all but the embedding."""
    groups = {True: [], False: []}
    for name, parameter in model.named_parameters():
        groups[not name.endswith("embed_tokens.weight")].append(parameter)
    return torch.optim.AdamW(
        [{"params": groups[True], "weight_decay": recipe.weight_decay}, {"params": groups[False], "weight_decay": 0.0}],
        lr=recipe.learning_rate,
        betas=(recipe.beta1, recipe.beta2),
        eps=recipe.adam_eps,
        fused=True,
    )


def gradients(workers, recipe, called, model, batch):
    """Leaves the clipped gradients of a step in `model`; its cross entropy and the norm before clipping.

    `called` is the model as it is run: compiled, shared with other processes, or `model` itself.
    """
    loss = torch.zeros((), device=workers.device)
    parts = batch.split(recipe.micro_batch)
    for number, part in enumerate(parts, 1):
        with workers.accumulate(called, number == len(parts)):
            with torch.autocast(workers.device.type, torch.bfloat16, enabled=workers.cuda):
                entropy, normalizer = called(part[:, :-1], part[:, 1:])
            share = len(part) / len(batch)
            ((entropy + recipe.z_loss * normalizer) * share).backward()
        loss += entropy.detach() * share
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    # One wait for the device a step.
    return torch.stack((workers.mean(loss), norm)).tolist()


def locked(folder):
    """A run's folder for this process alone, as long as what is returned is open; the built-in trainer does the same."""
    file = open(folder / "train.lock", "w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise BadInput(f"{folder}: another process is training this run; wait for it, or end it first") from error
    except OSError:
        # Some network disks know no locks: then nobody looks.
        pass
    return file


class Run:
    """A run that is about to train: its plan has been checked against the files."""

    def __init__(self, config_path, folder, workers):
        self.workers = workers
        if workers.first:
            plans.prepare(config_path, folder)
        self.plan = plans.load(folder)
        if workers.first:
            self.lock = locked(self.plan.folder)
        self.recipe = self.plan.recipe
        if self.recipe.batch % workers.count:
            raise BadInput(
                f"a batch of {self.recipe.batch} sequences cannot be shared by {workers.count} processes: "
                "start a number of them that divides it, or change training.global_batch_size"
            )
        tokenizer.source(self.plan)
        self.sequences = Sequences(self.plan)
        self.checkpoints = Checkpoints(self.plan, note)

    def go(self, compiled):
        """Trains, and writes RUN/model."""
        workers, recipe = self.workers, self.recipe
        # Rank 0 chooses, so that all processes go on from the same step.
        newest = self.checkpoints.newest() if workers.first else None
        first_step = self.plan.first_step
        start = workers.agreed(newest.step if newest else first_step)
        model_folder = self.plan.folder / "model"
        damaged = checksums.damaged(model_folder, MODEL_FILES) if workers.first else []
        if damaged:
            note(f"{model_folder / damaged[0]} is damaged; the model is written again")
        if start == recipe.steps and model_folder.is_dir() and not workers.agreed(len(damaged)):
            if workers.first:
                note(f"{self.plan.folder} is trained already")
            return
        model = ProxyModel(self.plan.model)
        initialize(model, self.plan.model, recipe.seed)
        model.to(workers.device)
        optimizer = adamw(model, recipe)
        if start > first_step:
            self.checkpoints.restore(self.checkpoints.at(start), model, optimizer)
            if workers.first:
                note(f"goes on after step {start:,} of {recipe.steps:,}")
        elif self.plan.start:
            self.checkpoints.begin(self.plan.start, model, optimizer)
            if workers.first:
                note(f"begins with {self.plan.start.folder}, after step {start:,} of {recipe.steps:,}")
        if self.plan.measures_on_the_way and workers.first:
            note("training.eval_interval is left out: this trainer measures nothing on the way; `olmix proxy eval` measures the model it ends with")
        if start < recipe.steps:
            self._steps(start, newest.seconds if newest else 0.0, model, optimizer, compiled)
        if workers.first:
            with staged(model_folder) as partial:
                save_weights(model, partial / "model.safetensors")
                (partial / "config.json").write_text(json.dumps(config(self.plan), indent=2) + "\n", encoding="utf-8")
                tokenizer.write(self.plan, partial)

    def _steps(self, start, seconds_before, model, optimizer, compiled):
        workers, recipe, tokens = self.workers, self.recipe, self.plan.batch_tokens
        called = workers.share(torch.compile(model) if compiled else model)
        metrics = Metrics(self.plan.folder / "metrics.jsonl", start) if workers.first else None
        progress = Progress(recipe.steps, start)
        began = since = time.monotonic()
        steps_since = 0
        try:
            for step, batch in enumerate(self._batches(start), start + 1):
                # Steps are counted from 1 from here on: `step` of them are done at the end of this one.
                rate = recipe.learning_rate_at(step - 1)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                loss, norm = gradients(workers, recipe, called, model, batch)
                if not (math.isfinite(norm) and loss <= DIVERGED * math.log(self.plan.model.vocab)):
                    raise Diverged(
                        f"the run diverged at step {step:,}: loss {loss:.6g}, gradient norm {norm:.6g}, "
                        f"learning rate {rate:.3g}; lower training.learning_rate"
                    )
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
                steps_since += 1
                if not workers.first:
                    continue
                progress.show(step, loss, tokens)
                last = step == recipe.steps
                if last or step % recipe.log_every == 0:
                    now = time.monotonic()
                    speed = steps_since * tokens / (now - since)
                    since, steps_since = now, 0
                    metrics.write(
                        step=step,
                        tokens=step * tokens,
                        loss=loss,
                        grad_norm=norm,
                        learning_rate=rate,
                        tokens_per_second=round(speed, 1),
                    )
                if last or step % recipe.checkpoint_every == 0:
                    metrics.sync()
                    self.checkpoints.save(step, seconds_before + time.monotonic() - began, model, optimizer)
        finally:
            progress.end()
            if metrics:
                metrics.close()

    def _batches(self, start):
        """This process's part of every step from `start` on, read one step ahead."""
        workers, recipe = self.workers, self.recipe
        part = recipe.batch // workers.count
        rows = slice(workers.rank * part, (workers.rank + 1) * part)

        def read(step):
            batch = torch.from_numpy(self.sequences.read(step, rows))
            return batch.pin_memory() if workers.cuda else batch

        with ThreadPoolExecutor(1) as reader:
            ahead = reader.submit(read, start)
            for step in range(start, recipe.steps):
                batch = ahead.result()
                if step + 1 < recipe.steps:
                    ahead = reader.submit(read, step + 1)
                yield batch.to(workers.device, non_blocking=True)
