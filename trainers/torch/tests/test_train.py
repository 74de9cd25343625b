import fcntl
import hashlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest
import torch
from conftest import command, edit_plan, environment, make_run, metrics, train
from safetensors.torch import load_file
from torch._inductor.exc import InductorError

from olmix_torch import plan as plans
from olmix_torch import train as trainer
from olmix_torch.__main__ import run
from olmix_torch.checkpoint import Checkpoints
from olmix_torch.data import Sequences
from olmix_torch.failure import BadInput
from olmix_torch.model import ProxyModel, initialize
from olmix_torch.train import adamw
from olmix_torch.workers import Workers


def steps_kept(folder):
    return sorted(path.name for path in (folder / "checkpoints").iterdir())


def test_a_run_learns_and_leaves_what_it_should(finished):
    lines = metrics(finished)
    assert [line["step"] for line in lines] == list(range(1, 41))
    assert lines[-1]["tokens"] == 40 * 8 * 16
    assert lines[0]["loss"] == pytest.approx(4.11, abs=0.02)
    assert lines[-1]["loss"] < 2
    assert set(lines[0]) == {"step", "tokens", "loss", "grad_norm", "learning_rate"}
    assert steps_kept(finished) == ["step-00000035", "step-00000040"]
    state = json.loads((finished / "checkpoints/step-00000040/state.json").read_text())
    assert state.pop("seconds") > 0
    assert state == {"format": "olmix checkpoint", "version": 2, "step": 40, "tokens": 5120}
    names = set(load_file(finished / "model/model.safetensors"))
    moments = set(load_file(finished / "checkpoints/step-00000040/optimizer.safetensors"))
    assert moments == {f"{kind}.{name}" for kind in ("exp_avg", "exp_avg_sq") for name in names}
    assert {path.name for path in finished.iterdir()} == {
        "run.json", "sequences.bin", "shards", "train.lock", "metrics.jsonl", "checkpoints", "model"
    }  # fmt: skip


def test_a_run_follows_adamw_as_written_down(tmp_path):
    """Against the update rule in a few lines, with gradients of torch and losses over the sampler's batches."""
    make_run(tmp_path / "run", recipe=dict(steps=6, warmup_steps=2, decay_steps=2, weight_decay=0.5, clip=0.5))
    assert train(tmp_path / "run").returncode == 0
    plan = plans.load(tmp_path / "run")
    model = ProxyModel(plan.model)
    initialize(model, plan.model, plan.recipe.seed)
    sequences, moments, expected = Sequences(plan), {}, []
    for step in range(6):
        batch = torch.from_numpy(sequences.read(step))
        entropy, normalizer = model(batch[:, :-1], batch[:, 1:])
        names, parameters = zip(*model.named_parameters())
        gradients = torch.autograd.grad(entropy + 1e-5 * normalizer, parameters)
        norm = torch.sqrt(sum(g.square().sum() for g in gradients))
        rate = plan.recipe.learning_rate_at(step)
        expected.append((entropy.item(), norm.item()))
        with torch.no_grad():
            for name, p, g in zip(names, parameters, gradients):
                g = g * min(1.0, 0.5 / norm.item())
                first, second = moments.get(name, (0.0, 0.0))
                first, second = 0.9 * first + 0.1 * g, 0.99 * second + 0.01 * g * g
                moments[name] = first, second
                if name != "model.embed_tokens.weight":
                    p -= rate * 0.5 * p
                p -= rate * (first / (1 - 0.9 ** (step + 1))) / ((second / (1 - 0.99 ** (step + 1))).sqrt() + 1e-8)
    for line, (loss, norm) in zip(metrics(tmp_path / "run"), expected):
        assert line["loss"] == pytest.approx(loss, abs=2e-5)
        assert line["grad_norm"] == pytest.approx(norm, rel=1e-3)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_flipped_bit_in_a_checkpoint_is_told_and_the_one_before_is_taken(finished, tmp_path, name):
    shutil.copytree(finished, tmp_path / "run")
    # Trained to step 40; from the checkpoint of step 35, it ends with the same bits.
    shutil.rmtree(tmp_path / "run/model")
    file = tmp_path / "run/checkpoints/step-00000040" / name
    content = bytearray(file.read_bytes())
    content[-3] ^= 4
    file.write_bytes(content)
    again = train(tmp_path / "run")
    assert again.returncode == 0
    assert "step-00000040 is damaged" in again.stderr
    theirs = load_file(finished / "model/model.safetensors")
    ours = load_file(tmp_path / "run/model/model.safetensors")
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_killed_at_any_moment_and_started_again_a_run_ends_the_same(finished, tmp_path):
    dice = random.Random(5)
    make_run(tmp_path / "run")
    metrics_file, kills, done = tmp_path / "run/metrics.jsonl", 0, None
    while done is None:
        process = subprocess.Popen(command(tmp_path / "run"), env=environment(), stderr=subprocess.PIPE, text=True)
        last, more = lines_of(metrics_file), dice.randint(1, 12)
        # Waits for some steps, then for a moment within a step or a checkpoint.
        while process.poll() is None and lines_of(metrics_file) - last not in range(more, 99):
            last = min(last, lines_of(metrics_file))
            time.sleep(0.001)
        time.sleep(dice.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        error = process.communicate()[1]
        if process.returncode == -signal.SIGKILL:
            kills += 1
            assert kills < 60, error
        else:
            done = process.returncode
            assert done == 0, error
    assert kills >= 3
    assert metrics(tmp_path / "run") == metrics(finished)
    for name in ("model/model.safetensors", "checkpoints/step-00000040/optimizer.safetensors"):
        theirs, ours = load_file(finished / name), load_file(tmp_path / "run" / name)
        assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert steps_kept(tmp_path / "run") == steps_kept(finished)


def lines_of(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def test_a_checkpoint_that_a_kill_kept_from_removal_is_removed_at_the_next_start(finished, tmp_path):
    make_run(tmp_path / "run")
    assert train(tmp_path / "run").returncode == 0
    # Killed after the newest had its name, and before the oldest was removed.
    checkpoints = tmp_path / "run/checkpoints"
    shutil.copytree(checkpoints / "step-00000035", checkpoints / "step-00000030")
    assert train(tmp_path / "run").returncode == 0
    assert steps_kept(tmp_path / "run") == steps_kept(finished)


def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(finished, tmp_path):
    make_run(tmp_path / "run")
    assert train(tmp_path / "run").returncode == 0
    broken = tmp_path / "run/checkpoints/step-00000040/optimizer.safetensors"
    os.truncate(broken, broken.stat().st_size - 100)
    leftover = tmp_path / "run/checkpoints/.step-00000039.partial"
    leftover.mkdir()
    with open(tmp_path / "run/metrics.jsonl", "a") as file:
        file.write('{"step": 41, "lo')
    again = train(tmp_path / "run")
    assert again.returncode == 0
    assert "step-00000040 is damaged" in again.stderr and "goes on after step 35 of 40" in again.stderr
    assert metrics(tmp_path / "run") == metrics(finished)
    assert not leftover.exists()


def test_damaged_checkpoints_of_later_steps_do_not_displace_whole_ones(tmp_path):
    make_run(tmp_path / "run")
    plan = plans.load(tmp_path / "run")
    model = ProxyModel(plan.model)
    optimizer = adamw(model, plan.recipe)
    sum(model(torch.zeros(1, 4, dtype=torch.long), torch.ones(1, 4, dtype=torch.long))).backward()
    optimizer.step()
    for step in (28, 35):
        (tmp_path / f"run/checkpoints/step-{step:08}").mkdir(parents=True)
    checkpoints, kept = Checkpoints(plan, lambda message: None), []
    for step in (7, 14, 21):
        checkpoints.save(step, 1.5, model, optimizer)
        kept.append(steps_kept(tmp_path / "run"))
    assert kept == [
        ["step-00000007"], ["step-00000007", "step-00000014"], ["step-00000014", "step-00000021"]
    ]  # fmt: skip
    assert checkpoints.newest().step == 21 and checkpoints.newest().seconds == 1.5


def test_a_finished_run_stays_as_it_is(finished):
    before = (finished / "model/model.safetensors").stat().st_mtime_ns
    again = train(finished)
    assert again.returncode == 0 and "is trained already" in again.stderr
    assert (finished / "model/model.safetensors").stat().st_mtime_ns == before


def test_accumulating_micro_batches_changes_nothing_but_rounding(finished, tmp_path):
    make_run(tmp_path / "run", recipe=dict(micro_batch=3))
    assert train(tmp_path / "run").returncode == 0
    for ours, theirs in zip(metrics(tmp_path / "run"), metrics(finished)):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-4)


def test_two_processes_give_the_losses_of_one_and_resume(finished, tmp_path):
    # Parts of four sequences a process, in micro batches of three and one.
    make_run(tmp_path / "run", recipe=dict(micro_batch=3))
    done = train(tmp_path / "run", processes=2)
    assert done.returncode == 0, done.stderr
    found = metrics(tmp_path / "run")
    assert [line["step"] for line in found] == list(range(1, 41))
    for ours, theirs in zip(found, metrics(finished)):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-4)
        assert ours["grad_norm"] == pytest.approx(theirs["grad_norm"], rel=1e-2)
    newest = tmp_path / "run/checkpoints/step-00000040/state.json"
    newest.unlink()
    again = train(tmp_path / "run", processes=2)
    assert again.returncode == 0 and again.stderr.count("goes on after step 35 of 40") == 1, again.stderr
    for ours, theirs in zip(metrics(tmp_path / "run"), found):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-4)


def test_a_batch_that_processes_cannot_share_is_refused(tmp_path):
    make_run(tmp_path / "run", recipe=dict(batch=7))
    done = train(tmp_path / "run", processes=2)
    assert done.returncode != 0
    assert done.stderr.count("a batch of 7 sequences cannot be shared by 2 processes") == 1


@pytest.mark.parametrize("processes", [1, 2])
def test_divergence_ends_with_3_and_the_step_said_once(tmp_path, processes):
    # Far too high a rate, and no clip to hold it.
    make_run(tmp_path / "run", recipe=dict(learning_rate=1e4, clip=1e9, warmup_steps=20))
    done = train(tmp_path / "run", processes=processes)
    assert done.stderr.count("the run diverged at step 2:") == 1, done.stderr
    assert not (tmp_path / "run/model").exists()
    if processes == 1:
        assert done.returncode == 3 and "Traceback" not in done.stderr
    else:
        # torchrun has a code of its own.
        assert done.returncode == 1 and "exitcode  : 3" in done.stderr


def test_a_disk_that_takes_no_more_leaves_the_checkpoint_before(finished, tmp_path):
    make_run(tmp_path / "run")
    words = command(tmp_path / "run")

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))

    done = subprocess.run(words, env=environment(), capture_output=True, text=True, preexec_fn=small_files)
    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr and "step-00000007" in done.stderr and "Traceback" not in done.stderr
    assert steps_kept(tmp_path / "run") == []
    assert train(tmp_path / "run").returncode == 0
    assert metrics(tmp_path / "run") == metrics(finished)


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda run: (run / "run.json").unlink(), "give --config launch.yaml"),
        (lambda run: (run / "run.json").write_text("{"), "is no JSON"),
        (lambda run: os.truncate(run / "sequences.bin", 1000), "no 320 records of 12 bytes"),
        (lambda run: os.truncate(run / "shards/web/00002.bin", 50), "it shrank"),
        (lambda run: (run / "shards/web/00002.bin").unlink(), "No such file"),
        (lambda run: edit_plan(run, lambda p: p["model"].update(vocab=30)), "outside the vocabulary"),
        (lambda run: edit_plan(run, lambda p: p.update(tokenizer="/nowhere.json")), "/nowhere.json, the tokenizer"),
    ],
)
def test_bad_input_ends_with_2_and_one_message(tmp_path, spoil, message):
    make_run(tmp_path / "run")
    spoil(tmp_path / "run")
    done = train(tmp_path / "run")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def begun_with(run, folder, step):
    """Has a run begin with the weights in a folder."""
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    start = dict(folder=str(folder), after="a" if step else None, step=step, weights_sha256=digest)
    edit_plan(run, lambda plan: plan.update(start=start, version=2))


def test_a_run_from_the_checkpoint_of_another_ends_with_its_bits_and_is_killed_in_vain(finished, tmp_path):
    make_run(tmp_path / "run")
    begun_with(tmp_path / "run", finished / "checkpoints/step-00000035", 35)
    process = subprocess.Popen(command(tmp_path / "run"), env=environment(), stderr=subprocess.PIPE, text=True)
    while process.poll() is None and lines_of(tmp_path / "run/metrics.jsonl") < 2:
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert train(tmp_path / "run").returncode == 0
    assert metrics(tmp_path / "run") == metrics(finished)[35:]
    theirs, ours = (load_file(run / "model/model.safetensors") for run in (finished, tmp_path / "run"))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_weights_alone_begin_a_run_of_its_own_and_are_refused_once_they_changed(finished, tmp_path):
    shutil.copytree(finished / "model", tmp_path / "model")
    make_run(tmp_path / "run", recipe=dict(learning_rate=1e-30))
    begun_with(tmp_path / "run", tmp_path / "model", 0)
    assert train(tmp_path / "run").returncode == 0
    theirs, ours = (load_file(run / "model/model.safetensors") for run in (finished, tmp_path / "run"))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    assert metrics(tmp_path / "run")[0]["step"] == 1
    make_run(tmp_path / "late")
    begun_with(tmp_path / "late", tmp_path / "model", 0)
    with open(tmp_path / "model/model.safetensors", "ab") as file:
        file.write(b" ")
    done = train(tmp_path / "late")
    assert done.returncode == 2 and "is not what it was when this run was planned" in done.stderr, done.stderr


def test_checkpoints_of_another_plan_are_refused(tmp_path):
    make_run(tmp_path / "run")
    assert train(tmp_path / "run").returncode == 0
    edit_plan(tmp_path / "run", lambda plan: plan["model"].update(hidden=64))
    (tmp_path / "run/checkpoints/step-00000040/state.json").unlink()
    done = train(tmp_path / "run")
    assert done.returncode == 2 and "gate_proj.weight is (48, 32), the plan wants (64, 32)" in done.stderr, done.stderr


@pytest.mark.parametrize("compiling", [False, True])
def test_a_gpu_that_is_too_small_is_the_users_to_correct(tmp_path, monkeypatch, capsys, compiling):
    full = torch.OutOfMemoryError("tried to allocate 9 GiB")
    error = InductorError(full, None) if compiling else full

    def no_room(*_):
        raise error

    monkeypatch.setattr(trainer, "train", no_room)
    assert run(Namespace(config=None, out=tmp_path, compile=None)) == 2
    said = capsys.readouterr().err
    assert "9 GiB" in said and "lower training.device_batch_size" in said and len(said.splitlines()) == 1


def test_other_errors_of_the_compiler_are_no_fault_of_the_user(tmp_path, monkeypatch):
    def broken(*_):
        raise InductorError(ValueError("no such kernel"), None)

    monkeypatch.setattr(trainer, "train", broken)
    with pytest.raises(InductorError):
        run(Namespace(config=None, out=tmp_path, compile=None))


def test_more_processes_than_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(BadInput, match="--nproc-per-node 1"):
        Workers()


def test_mistyped_options_end_with_2(tmp_path):
    done = train(tmp_path, "--confg", "x")
    assert done.returncode == 2


def test_a_run_that_another_process_trains_is_left_to_it(tmp_path):
    make_run(tmp_path / "run")
    with open(tmp_path / "run/train.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = train(tmp_path / "run")
    assert done.returncode == 2 and "another process is training this run" in done.stderr, done.stderr
    assert train(tmp_path / "run").returncode == 0


def test_without_olmix_the_message_says_what_to_do(tmp_path):
    config = tmp_path / "launch.yaml"
    config.write_text("name: x\n")
    done = train(tmp_path / "run", "--config", str(config), OLMIX="", PATH="")
    assert done.returncode == 2 and "put it on PATH or name it in the variable OLMIX" in done.stderr, done.stderr


def test_olmix_prepares_and_its_complaints_are_passed_on(tmp_path):
    make_run(tmp_path / "made")
    config, program = tmp_path / "launch.yaml", tmp_path / "olmix"
    config.write_text("name: x\n")
    # Stands for olmix: `proxy prepare --config C --out RUN`.
    program.write_text(f'#!/bin/sh\ntest "$1 $2" = "proxy prepare" && mkdir -p "$6" && cp {tmp_path}/made/*.* "$6"\n')
    program.chmod(0o755)
    done = train(tmp_path / "run", "--config", str(config), OLMIX=str(program))
    assert done.returncode == 0, done.stderr
    program.write_text('#!/bin/sh\necho "launch.yaml: no mix" >&2\nexit 2\n')
    done = train(tmp_path / "other", "--config", str(config), OLMIX=str(program))
    assert done.returncode == 2 and "launch.yaml: no mix" in done.stderr


def test_compiled_steps_give_the_same_losses(tmp_path):
    found = []
    for name, options in (("eager", []), ("compiled", ["--compile"])):
        make_run(tmp_path / name, recipe=dict(steps=10, decay_steps=2))
        done = train(tmp_path / name, *options)
        assert done.returncode == 0, done.stderr
        found.append([line["loss"] for line in metrics(tmp_path / name)])
    assert found[1] == pytest.approx(found[0], abs=1e-5)


def olmix_config(folder, **training):
    """A launch config over two leaves that `olmix tokenize` made."""
    for leaf, words in (("web", "the cat sat on a mat "), ("code", "for i in range(9): print(i) ")):
        lines = [json.dumps({"text": f"{number} {words * 12}"}) for number in range(400)]
        (folder / f"{leaf}.jsonl").write_text("\n".join(lines) + "\n")
        made = ["tokenize", "--input", f"{leaf}.jsonl", "--tokenizer", "bytes", "--output", f"shards/{leaf}"]
        subprocess.run([os.environ["OLMIX"], *made], cwd=folder, check=True, capture_output=True)
    source = lambda name: dict(name=name, paths=[f"shards/{name}/train/*.bin"])
    recipe = dict(proxy_model_id="demo", tokenizer="bytes", tokens=65536, global_batch_size=2048, device_batch_size=8)
    config = dict(
        name="tiny",
        data=dict(dtype="uint16", sources=[source("web"), source("code")]),
        training=recipe | training,
        mix={name: dict(weight=0.5, repetition_factor=4) for name in ("web", "code")},
    )
    (folder / "launch.yaml").write_text(json.dumps(config))
    return folder / "launch.yaml"


needs_olmix = pytest.mark.skipif(not os.environ.get("OLMIX"), reason="OLMIX names no program")


@needs_olmix
def test_a_run_that_olmix_prepared_is_trained(tmp_path):
    done = train(tmp_path / "run", "--config", str(olmix_config(tmp_path)))
    assert done.returncode == 0, done.stderr
    losses = [line["loss"] for line in metrics(tmp_path / "run")]
    assert losses[-1] < losses[0]
    assert Path(tmp_path / "run/model/tokenizer.json").is_file()


@needs_olmix
def test_a_run_in_phases_has_the_losses_of_the_other_trainer_and_one_from_a_checkpoint_its_bits(tmp_path):
    config = json.loads(olmix_config(tmp_path, log_every=1, learning_rate=0.002, warmup_fraction=0.125).read_text())
    mixes = [dict(web=0.75, code=0.25), dict(web=0.1, code=0.9)]
    phases = [dict(name=name, fraction=part, mix=mix) for name, part, mix in zip("ab", (0.75, 0.25), mixes)]

    def write(name, **changes):
        changed = {key: value for key, value in (config | changes).items() if value is not None}
        (tmp_path / name).write_text(json.dumps(changed))
        return tmp_path / name

    whole = write("whole.yaml", mix=None, phases=phases)
    done = train(tmp_path / "whole", "--config", str(whole))
    assert done.returncode == 0, done.stderr
    plan = json.loads((tmp_path / "whole/run.json").read_text())
    assert [phase["first_step"] for phase in plan["phases"]] == [0, 24]
    # The switch is exact to the batch.
    sequences = Sequences(plans.load(tmp_path / "whole"))
    shares = [float((sequences.records["leaf"][step * 16 : step * 16 + 16] == 0).mean()) for step in (23, 24)]
    assert shares[0] > 0.6 and shares[1] < 0.2, shares
    # One proxy for the first phase, and the rest from there: by this trainer the same bits.
    first = dict(config["training"], tokens=49152, decay_fraction=0, warmup_fraction=4 / 24)
    done = train(tmp_path / "first", "--config", str(write("first.yaml", training=first, mix=mixes[0])))
    assert done.returncode == 0, done.stderr
    rest = dict(config["training"], start_from=dict(checkpoint="first", after="a"))
    rest = write("rest.yaml", mix=None, phases=phases, training=rest)
    done = train(tmp_path / "rest", "--config", str(rest))
    assert done.returncode == 0 and "begins with" in done.stderr, done.stderr
    assert metrics(tmp_path / "rest") == metrics(tmp_path / "whole")[24:]
    theirs, ours = (load_file(tmp_path / name / "model/model.safetensors") for name in ("whole", "rest"))
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)
    # By the other trainer, from the same checkpoint, the same losses but for rounding.
    words = [os.environ["OLMIX"], "proxy", "train", "--config", str(rest), "--out", str(tmp_path / "other"), "--quiet"]
    subprocess.run(words, check=True, capture_output=True)
    for line, wanted in zip(metrics(tmp_path / "other"), metrics(tmp_path / "rest"), strict=True):
        assert line["loss"] == pytest.approx(wanted["loss"], rel=2e-3), line


@needs_olmix
@pytest.mark.parametrize("qk_norm", [False, True])
def test_a_run_moves_from_one_trainer_to_the_other_half_way_and_its_losses_stay_the_same(tmp_path, qk_norm):
    config = olmix_config(tmp_path, checkpoint_every=16, log_every=1, learning_rate=0.002, model=dict(qk_norm=qk_norm))

    def by_torch(run):
        done = train(run, "--config", str(config))
        assert done.returncode == 0, done.stderr

    def by_olmix(run):
        words = [os.environ["OLMIX"], "proxy", "train", "--config", str(config), "--out", str(run), "--quiet"]
        subprocess.run(words, check=True, capture_output=True)

    for first, second in ((by_torch, by_olmix), (by_olmix, by_torch)):
        whole, moved = tmp_path / f"{first.__name__}", tmp_path / f"{first.__name__}-moved"
        first(whole)
        shutil.copytree(whole, moved)
        shutil.rmtree(moved / "checkpoints/step-00000032")
        shutil.rmtree(moved / "model")
        second(moved)
        found, expected = metrics(moved), metrics(whole)
        assert [line["step"] for line in found] == list(range(1, 33))
        # The step after the move differs by rounding alone; from there on each step makes the difference larger.
        for line, wanted in zip(found, expected):
            moves = line["step"] <= 17
            assert line["loss"] == pytest.approx(wanted["loss"], rel=1e-5 if moves else 2e-3), line
            assert not moves or line["grad_norm"] == pytest.approx(wanted["grad_norm"], rel=1e-4), line
            assert line["learning_rate"] == pytest.approx(wanted["learning_rate"]), line


@needs_olmix
def test_runs_of_both_trainers_that_start_from_the_same_seed_learn_alike(tmp_path):
    """Their weights begin as other draws of one distribution; sequences are the same."""
    config = olmix_config(tmp_path, log_every=1, seed=3, learning_rate=0.005)
    done = train(tmp_path / "torch", "--config", str(config))
    assert done.returncode == 0, done.stderr
    curves = [[line["loss"] for line in metrics(tmp_path / "torch")]]
    for seed in (3, 4):
        config = olmix_config(tmp_path, log_every=1, seed=seed, learning_rate=0.005)
        words = [os.environ["OLMIX"], "proxy", "train", "--config", str(config), "--out", str(tmp_path / f"{seed}"), "--quiet"]
        subprocess.run(words, check=True, capture_output=True)
        curves.append([line["loss"] for line in metrics(tmp_path / f"{seed}")])
    difference = lambda a, b: sum(abs(x - y) for x, y in zip(a, b)) / len(a)
    theirs, ours, other_seed = curves
    assert difference(theirs, ours) < 1.5 * difference(ours, other_seed) + 0.02, curves


@needs_olmix
def test_a_swarm_with_this_trainer_is_launched_and_measured(tmp_path):
    config = json.loads(olmix_config(tmp_path).read_text())
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks/cats.jsonl").write_text(json.dumps(dict(context="the cat sat ", answer="on a mat")) + "\n")
    (tmp_path / "launch").mkdir()
    for number, share in enumerate((0.3, 0.6)):
        config |= dict(name=f"run-{number}", trainer="torch", mix=dict(web=share, code=1 - share))
        config["eval"] = dict(tasks=["../tasks/cats.jsonl"])
        for source in config["data"]["sources"]:
            source["paths"] = [f"{tmp_path}/shards/{source['name']}/train/*.bin"]
        (tmp_path / f"launch/run-{number}.yaml").write_text(json.dumps(config))

    def olmix(*words):
        words = [os.environ["OLMIX"], *words]
        variables = environment(OLMIX_PYTHON=sys.executable)
        done = subprocess.run(words, cwd=tmp_path, env=variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    olmix("launch", "run", "--variants", "launch", "--out", "runs", "--jobs", "2")
    olmix("collect", "--swarm", "runs", "--output", "tables")
    rows = (tmp_path / "tables/metrics.csv").read_text().splitlines()
    assert len(rows) == 3 and "cats" in rows[0]
