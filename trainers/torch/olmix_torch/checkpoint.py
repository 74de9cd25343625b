"""Checkpoints and the final model: folders that are there whole or not at all.

A checkpoint is `model.safetensors`, `optimizer.safetensors` (the moments as `exp_avg.NAME` and `exp_avg_sq.NAME`) and
`state.json`, with their checksums; `olmix proxy train` reads and writes the same.
"""

import json
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from . import checksums
from .failure import AGAIN, BadInput, Failure

# Version 1 has no checksums.
FORMAT, VERSION = "olmix checkpoint", 2
MOMENTS = ("exp_avg", "exp_avg_sq")
KEPT = 2


def synced(path):
    """Waits until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def staged(folder):
    """A folder to fill, which takes the place of `folder` once all in it is on the disk."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        checksums.write(partial)
        for file in partial.iterdir():
            synced(file)
        synced(partial)
    except SafetensorError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise Failure(f"cannot write {folder}: {error}; {AGAIN}") from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if folder.exists():
        shutil.rmtree(folder)
    partial.rename(folder)
    synced(folder.parent)


@dataclass(frozen=True)
class Checkpoint:
    """A whole checkpoint: where it is, after how many steps, and seconds of training."""

    folder: Path
    step: int
    seconds: float = 0.0


class Checkpoints:
    """The checkpoints of a run, RUN/checkpoints/step-NNNNNNNN."""

    def __init__(self, plan, note):
        self.plan, self.note = plan, note
        self.folder = plan.folder / "checkpoints"

    def path(self, step):
        return self.folder / f"step-{step:08}"

    def at(self, step):
        return Checkpoint(self.path(step), step)

    def newest(self):
        """The newest whole one. What a kill left is cleared away: unfinished ones, and whole ones older than those kept."""
        for partial in self.folder.glob(".step-*.partial"):
            shutil.rmtree(partial, ignore_errors=True)
        folders = sorted(self.folder.glob("step-*"))
        for here in range(len(folders), 0, -1):
            folder = folders[here - 1]
            try:
                newest = self._whole(folder)
            except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
                self.note(f"{folder} is damaged ({error}); the one before it is taken")
                continue
            self._remove(folders[: max(0, here - KEPT)])
            return newest
        return None

    @staticmethod
    def _remove(folders):
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _whole(self, folder):
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        if state["format"] != FORMAT:
            raise ValueError(f"state.json is no {FORMAT}")
        if state["version"] > VERSION:
            raise BadInput(
                f"{folder} is a checkpoint of version {state['version']}, this trainer reads {VERSION}: update olmix-torch"
            )
        names = ("state.json", "model.safetensors", "optimizer.safetensors")
        if state["version"] > 1 and not (folder / checksums.FILE).is_file():
            raise ValueError(f"{checksums.FILE} is missing")
        if damaged := checksums.damaged(folder, names):
            raise ValueError(f"{', '.join(damaged)}: not what {checksums.FILE} says")
        for name in ("model", "optimizer"):
            with safe_open(folder / f"{name}.safetensors", "pt") as file:
                file.keys()
        step = int(state["step"])
        if folder != self.path(step):
            raise ValueError(f"its state.json is of step {step}")
        if state["tokens"] != step * self.plan.batch_tokens or step > self.plan.recipe.steps:
            raise BadInput(
                f"{folder} was left by another plan ({state['tokens']:,} tokens in {step:,} steps): "
                f"delete {self.folder} to train anew"
            )
        return Checkpoint(folder, step, float(state.get("seconds", 0.0)))

    def restore(self, checkpoint, model, optimizer):
        """Loads weights and moments in place."""
        weights = load_file(checkpoint.folder / "model.safetensors")
        moments = load_file(checkpoint.folder / "optimizer.safetensors")

        def fill(target, values, name):
            if name not in values or values[name].shape != target.shape:
                found = tuple(values[name].shape) if name in values else "missing"
                raise BadInput(
                    f"{checkpoint.folder}: {name} is {found}, the plan wants {tuple(target.shape)}: "
                    f"delete {self.folder} to train anew"
                )
            target.copy_(values[name])
            return target

        with torch.no_grad():
            for name, parameter in model.named_parameters():
                fill(parameter, weights, name)
                # What torch's AdamW keeps of a parameter; the steps are counted in float32 there.
                state = {m: fill(torch.empty_like(parameter), moments, f"{m}.{name}") for m in MOMENTS}
                state["step"] = torch.tensor(float(checkpoint.step), device=parameter.device)
                optimizer.state[parameter] = state

    def begin(self, start, model, optimizer):
        """Loads what a run begins with: weights and moments of another run's checkpoint, or the weights of a model alone."""
        folder, file = Path(start.folder), Path(start.folder) / "model.safetensors"
        try:
            if checksums.digest(file) != start.weights_sha256:
                raise BadInput(
                    f"{file} is not what it was when this run was planned to begin with it: put it back, "
                    f"or delete {self.plan.folder} to plan the run anew"
                )
            names = ("state.json", "model.safetensors", "optimizer.safetensors") if start.step else ("model.safetensors",)
            if damaged := checksums.damaged(folder, names):
                raise BadInput(f"{folder / damaged[0]} is damaged, it is not what {checksums.FILE} says: restore it from a copy")
            if start.step:
                self.restore(Checkpoint(folder, start.step), model, optimizer)
                return
            weights = load_file(file)
        except (OSError, SafetensorError) as error:
            raise BadInput(f"cannot read the weights that the run begins with, {folder}: {error}") from error
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                found = tuple(weights[name].shape) if name in weights else "missing"
                if found != tuple(parameter.shape):
                    raise BadInput(f"{file}: {name} is {found}, the plan wants {tuple(parameter.shape)}")
                parameter.copy_(weights[name])

    def save(self, step, seconds, model, optimizer):
        """Writes the state after `step` steps, then lets go of what is no longer needed."""
        with staged(self.path(step)) as partial:
            save_weights(model, partial / "model.safetensors")
            moments = {
                f"{moment}.{name}": optimizer.state[parameter][moment].contiguous()
                for name, parameter in model.named_parameters()
                for moment in MOMENTS
            }
            save_file(moments, partial / "optimizer.safetensors")
            state = {"format": FORMAT, "version": VERSION, "step": step}
            state |= {"tokens": step * self.plan.batch_tokens, "seconds": seconds}
            (partial / "state.json").write_text(json.dumps(state) + "\n", encoding="utf-8")
        # Later ones could not be read, or the run would have gone on from them.
        folders = sorted(self.folder.glob("step-*"))
        here = folders.index(self.path(step)) + 1
        self._remove(folders[: max(0, here - KEPT)] + folders[here:])


def save_weights(model, path):
    """The parameters in float32 under Hugging Face's names."""
    weights = {name: p.detach().to(torch.float32).contiguous() for name, p in model.named_parameters()}
    save_file(weights, path, metadata={"format": "pt"})
