"""Runs of Weights & Biases, offline, as its own package writes them: `make_wandb.py FOLDER`."""
import glob
import os
import subprocess
import sys
import time

os.environ["WANDB_MODE"] = "offline"
os.environ["WANDB_SILENT"] = "true"
os.environ["WANDB_CONSOLE"] = "off"
import wandb  # noqa: E402

FOLDER = sys.argv[1]
LAST = 9


def start(folder, name, **settings):
    quiet = wandb.Settings(x_disable_stats=True, x_disable_meta=True, save_code=False)
    return wandb.init(project="p", name=name, dir=os.path.join(FOLDER, folder), settings=quiet, **settings)


def mixture(web):
    return {"lr": 1e-3, "mixture": {"web": web, "code": 1 - web}}


def train(run, loss, to=LAST, since=0, more=None):
    for step in range(since, to + 1):
        run.log({"loss": loss + to - step, "eval": {"arc easy:bpb": loss / 2}, **(more or {})}, step=step)


def child(what):
    """A run in a process of its own, with a service of its own, which does not end well."""
    own = {key: value for key, value in os.environ.items() if key != "WANDB_SERVICE"}
    return subprocess.run([sys.executable, __file__, FOLDER, what], stderr=subprocess.DEVNULL, env=own).returncode


def crash():
    with start("runs", "run-b", config=mixture(0.5)) as run:
        train(run, 9.2)
        raise RuntimeError("out of memory, say")


def leave():
    run = start("runs", "run-e", config=mixture(0.1))
    train(run, 3)
    run.finish(exit_code=3)


def killed(id=None, name="run-k", to=LAST):
    """Gone at once: what is in the buffer of 32 KiB is lost, so that filling it brings the first records to the disk."""
    run = start("runs", name, config=mixture(0.2), id=id)
    train(run, 4, to=to, more={"early": 7, **{f"filler {i}": "x" * 100 for i in range(100)}} if id else None)
    if id:
        pattern = os.path.join(FOLDER, "runs/wandb/*", f"run-{run.id}.wandb")
        while max(map(os.path.getsize, glob.glob(pattern))) < 32768:
            time.sleep(0.05)
    os._exit(1)


def main():
    for folder in ("runs", "shapes", "large"):
        os.makedirs(os.path.join(FOLDER, folder), exist_ok=True)
    with start("runs", "run-a", config=mixture(0.75)) as run:
        train(run, 2)
        run.summary["final"] = 1.5
    with start("runs", "run-b", config=mixture(0.5)) as run:
        train(run, 3)
        run.summary["final"] = 2.5
    assert child("crash") == 1
    # Trained in one run, evaluated in another of the same name.
    with start("runs", "run-c", config=mixture(0.25)) as run:
        train(run, 4)
    with start("runs", "run-c") as run:
        run.summary["final"] = 3.5
    # Begun again after it had finished, and stopped early.
    with start("runs", "run-f", config=mixture(1)) as run:
        train(run, 5)
        run.summary["final"] = 4.5
    with start("runs", "run-f", config=mixture(1)) as run:
        train(run, 50, to=2)
    # Killed, and resumed under its id.
    assert child("resumed") == 1
    # The names of folders have seconds.
    time.sleep(1)
    with start("runs", "run-r", id="resumed", config=mixture(0.2)) as run:
        train(run, 6, since=4)
        run.summary["final"] = 5.5
    # Ended well, and too early.
    with start("runs", "run-s", config=mixture(0)) as run:
        train(run, 7, to=4)
        run.summary["final"] = 0.5
    assert child("leave") == 0
    assert child("killed") == 1

    with start("shapes", "last", config={"data": {"mix": [{"name": "web", "weight": 1}]}}) as run:
        run.define_metric("loss", summary="min,max,last")
        run.define_metric("best", summary="min")
        for loss in (5, 9, 8):
            run.log({"loss": loss, "best": loss / 2, "gone": 1, "spoiled": 1})
        del run.summary["gone"]
    with start("shapes", "nested", config={"mixture/web": 0.5, "mixture/code": 0.5}) as run:
        for loss in (5, 9, 8):
            run.log({"metrics": {"grad_norm": 1}, "loss": loss, "best": 2, "spoiled": float("nan")})
        run.log({"table": wandb.Table(columns=["a"], data=[[1]])})
    with start("shapes", "undecided", config={"mixture": {"web": 1}, "data": {"mix": {"web": 0.5, "code": 0.5}}}) as run:
        run.log({"loss": 1, "best": 2, "spoiled": 1})
        run.log({"loss": 1}, step=3)

    # Records beyond the blocks of 32 KiB.
    with start("large", "long", config={"mixture": {"web": 0.5, "code": 0.5}}) as run:
        for step in range(120):
            run.log({f"task {i}/bpb": i + 1 / (step + 1) for i in range(20)})


what = sys.argv[2] if len(sys.argv) > 2 else "main"
{
    "main": main,
    "crash": crash,
    "leave": leave,
    "killed": killed,
    "resumed": lambda: killed("resumed", "run-r", 5),
}[what]()
