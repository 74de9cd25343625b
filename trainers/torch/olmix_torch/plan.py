"""The plan of a run: RUN/run.json, as `olmix proxy prepare` writes it."""

import json
import math
import os
import shutil
import subprocess
from dataclasses import MISSING, dataclass, fields
from pathlib import Path

from . import checksums
from .failure import BadInput, Failure

FORMAT = "olmix run"
# Version 2 is of runs that begin with the weights of another.
VERSIONS = (1, 2)
FILES = ("run.json", "sequences.bin", "tokenizer.json")


@dataclass(frozen=True)
class Model:
    """Shape of the transformer. `hidden` is the width inside the MLP."""

    size: str
    vocab: int
    width: int
    layers: int
    heads: int
    hidden: int
    context: int
    rope_theta: float
    norm_eps: float
    qk_norm: bool
    init_std: float


@dataclass(frozen=True)
class Recipe:
    """How it is trained. `batch` and `micro_batch` count sequences, the latter on one device."""

    seed: int
    steps: int
    batch: int
    learning_rate: float
    warmup_steps: int
    decay_steps: int
    beta1: float
    beta2: float
    adam_eps: float
    weight_decay: float
    clip: float
    z_loss: float
    micro_batch: int
    checkpoint_every: int
    log_every: int

    def learning_rate_at(self, step):
        """Rate of step `step`, counted from 0: linear warmup, flat, linear to 0."""
        share = 1.0
        if step < self.warmup_steps:
            share = (step + 1) / self.warmup_steps
        if step >= self.steps - self.decay_steps:
            share = min(share, (self.steps - step) / self.decay_steps)
        return self.learning_rate * share


@dataclass(frozen=True)
class Shard:
    """A file of tokens. `offset` is where they begin, in bytes; `width` is bytes per token. `sums` is the file with the
    checksums of its blocks, where it has one."""

    path: str
    offset: int
    width: int
    tokens: int
    big_endian: bool = False
    sums: str = ""


@dataclass(frozen=True)
class Leaf:
    """A domain: its shards, read one after another."""

    name: str
    shards: tuple


@dataclass(frozen=True)
class Start:
    """Weights that a run begins with: those of a checkpoint after `step` steps, or those of a model alone after 0."""

    folder: str
    step: int
    weights_sha256: str


@dataclass(frozen=True)
class Plan:
    """All of run.json that training needs."""

    folder: Path
    name: str
    model: Model
    recipe: Recipe
    leaves: tuple
    end_of_text: int | None
    tokenizer: str
    measures_on_the_way: bool
    start: Start | None = None

    @property
    def sequences(self):
        """Where the index of sequences is."""
        return self.folder / "sequences.bin"

    @property
    def first_step(self):
        """Steps that are done before the run begins."""
        return self.start.step if self.start else 0

    @property
    def batch_tokens(self):
        """Tokens of a step."""
        return self.recipe.batch * self.model.context


def prepare(config, folder):
    """Has `olmix` write the plan into `folder`, unless it is there already."""
    folder = Path(folder)
    missing = [name for name in ("run.json", "sequences.bin") if not (folder / name).is_file()]
    damaged = checksums.damaged(folder, FILES)
    if not missing and not damaged:
        return
    if missing:
        wrong, so = f"{folder / missing[0]} is missing", "made"
    else:
        wrong, so = f"{folder / damaged[0]} is damaged, it is not what {checksums.FILE} says", "written again"
    if config is None:
        raise BadInput(f"{wrong}: give --config launch.yaml, so that it can be {so}")
    if not Path(config).is_file():
        raise BadInput(f"{config} is no file: --config takes the launch config of the run")
    program = os.environ.get("OLMIX") or shutil.which("olmix")
    again = f"`olmix proxy prepare --config {config} --out {folder}`"
    if program is None:
        raise BadInput(
            f"{wrong}, and there is no program `olmix` to mend that: "
            f"put it on PATH or name it in the variable OLMIX, or run {again} where it is"
        )
    words = [program, "proxy", "prepare", "--config", str(config), "--out", str(folder)]
    try:
        done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace")
    except OSError as error:
        raise BadInput(f"cannot run {program}: {error.strerror}; name the program in OLMIX") from error
    if done.returncode != 0:
        kind = BadInput if done.returncode == 2 else Failure
        raise kind(done.stderr.strip() or f"{again} ended with code {done.returncode}")
    if still := checksums.damaged(folder, FILES):
        raise BadInput(f"{folder / still[0]} is damaged, and not of the run of {config}: delete {folder} to train anew")
    for name in missing:
        if not (folder / name).is_file():
            raise Failure(f"{again} ended well but left no {folder / name}: is {program} of this version of olmix?")


def load(folder):
    """Reads and checks RUN/run.json."""
    folder = Path(folder)
    file = folder / "run.json"
    try:
        plan = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise BadInput(f"{file} is no JSON ({error}): delete it, and the run is prepared anew") from error
    root = _Section(file, "", plan)
    if root.get("format", str) != FORMAT:
        raise root.error("format", f'is not "{FORMAT}"', "is this the folder of a run?")
    if root.get("version", int) not in VERSIONS:
        raise root.error("version", f"is {plan['version']}, this trainer reads {VERSIONS[-1]}", "update olmix-torch")
    data = root.section("data")
    plan = Plan(
        folder=folder,
        name=root.get("name", str),
        model=root.section("model").all(Model),
        recipe=root.section("recipe").all(Recipe),
        leaves=tuple(
            Leaf(leaf.get("name", str), tuple(shard.all(Shard) for shard in leaf.sections("shards")))
            for leaf in data.sections("leaves")
        ),
        end_of_text=data.get("end_of_text", int) if data.value.get("end_of_text") is not None else None,
        tokenizer=root.get("tokenizer", str),
        start=root.section("start").all(Start) if root.value.get("start") is not None else None,
        measures_on_the_way=root.section("recipe").value.get("eval_every") is not None,
    )
    _check(root, plan)
    return plan


def _check(root, plan):
    model, recipe = plan.model, plan.recipe
    for section, value, names in (
        ("model", model, "vocab width layers heads hidden context rope_theta norm_eps init_std"),
        ("recipe", recipe, "steps batch learning_rate adam_eps clip micro_batch checkpoint_every log_every"),
    ):
        for name in names.split():
            if getattr(value, name) <= 0:
                raise root.error(f"{section}.{name}", f"is {getattr(value, name)}", "it must be above 0")
    for name in ("warmup_steps", "decay_steps", "weight_decay", "z_loss"):
        if getattr(recipe, name) < 0:
            raise root.error(f"recipe.{name}", f"is {getattr(recipe, name)}", "it must be 0 or more")
    for name in ("beta1", "beta2"):
        if not 0 <= getattr(recipe, name) < 1:
            raise root.error(f"recipe.{name}", f"is {getattr(recipe, name)}", "it must be in [0, 1)")
    if model.width % model.heads or model.width // model.heads % 2:
        place = f"of {model.width} in {model.heads} heads"
        raise root.error("model.width", place, "a head's width must be whole and even")
    if plan.end_of_text is not None and not 0 <= plan.end_of_text < model.vocab:
        raise root.error("data.end_of_text", f"is {plan.end_of_text}, outside the vocabulary", "prepare the run anew")
    if plan.start is not None and not 0 <= plan.start.step < recipe.steps:
        raise root.error("start.step", f"is {plan.start.step} of {recipe.steps} steps", "prepare the run anew")
    for leaf in plan.leaves:
        for shard in leaf.shards:
            if shard.width not in (1, 2, 4, 8) or shard.offset < 0 or shard.tokens < 0:
                raise root.error("data.leaves", f"hold a shard {shard} that cannot be", "prepare the run anew")


class _Section:
    """An object of run.json with its place, for messages."""

    def __init__(self, file, place, value):
        self.file, self.place, self.value = file, place, value
        if not isinstance(value, dict):
            raise BadInput(f"{file}: {place or 'the whole'} is no object; prepare the run anew")

    def error(self, name, what, help):
        return BadInput(f"{self.file}: {self.place}{name} {what}; {help}")

    def _required(self, name):
        if name not in self.value:
            raise self.error(name, "is missing", "prepare the run anew")
        return self.value[name]

    def get(self, name, kind):
        value = self._required(name)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind or (kind is float and not math.isfinite(value)):
            raise self.error(name, f"is {json.dumps(value)[:40]}, no {kind.__name__}", "prepare the run anew")
        return value

    def all(self, kind):
        given = (field for field in fields(kind) if field.name in self.value or field.default is MISSING)
        return kind(**{field.name: self.get(field.name, field.type) for field in given})

    def section(self, name):
        return _Section(self.file, f"{self.place}{name}.", self._required(name))

    def sections(self, name):
        values = self._required(name)
        if not isinstance(values, list):
            raise self.error(name, "is no list", "prepare the run anew")
        return [_Section(self.file, f"{self.place}{name}[{i}].", value) for i, value in enumerate(values)]
