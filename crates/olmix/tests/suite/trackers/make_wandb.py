"""Runs of Weights & Biases as its own package writes them, offline and online: `make_wandb.py FOLDER`."""
import glob
import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
import time

os.environ.setdefault("WANDB_MODE", "offline")
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


class Service(http.server.BaseHTTPRequestHandler):
    """As much of the service as the package needs to end a run online."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.answer(self.data(json.loads(body)) if "graphql" in self.path else {"limits": {}})

    def do_PUT(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.answer({})

    def do_GET(self):
        self.answer({})

    def data(self, query):
        given, text = query.get("variables") or {}, query["query"]
        if "upsertBucket" in text:
            project = {"id": "1", "name": "p", "entity": {"id": "1", "name": "e"}}
            name = given.get("displayName") or "named-by-the-service-7"
            bucket = {"id": "1", "name": given.get("name"), "displayName": name, "historyLineCount": 0, "project": project}
            return {"data": {"upsertBucket": {"bucket": bucket, "inserted": True}}}
        if "createRunFiles" in text:
            files = [{"name": name, "uploadUrl": f"http://{self.headers['host']}/{name}"} for name in given.get("files", [])]
            return {"data": {"createRunFiles": {"runID": "1", "uploadHeaders": [], "files": files}}}
        return {"data": {}}

    def answer(self, body):
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def online():
    for name, loss in (("run-a", 2), (None, 3)):
        with start("online", name, config=mixture(loss / 4), entity="e") as run:
            train(run, loss)


def child(what, **more):
    """A run in a process of its own, with a service of its own, which may not end well."""
    own = {key: value for key, value in {**os.environ, **more}.items() if key != "WANDB_SERVICE"}
    return subprocess.run([sys.executable, __file__, FOLDER, what], stderr=subprocess.DEVNULL, env=own, timeout=120).returncode


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
    for folder in ("runs", "shapes", "large", "online"):
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
            run.log({"loss": loss, "best": loss / 2, "gone": 1, "spoiled": 1, "stale": loss})
        del run.summary["gone"]
        # As after a resume, when statistics are not updated any more.
        run.summary["stale"] = {"last": 5, "min": 5}
    with start("shapes", "nested", config={"mixture/web": 0.5, "mixture/code": 0.5}) as run:
        for loss in (5, 9, 8):
            run.log({"metrics": {"grad_norm": 1}, "loss": loss, "best": 2, "spoiled": float("nan")})
        run.log({"table": wandb.Table(columns=["a"], data=[[1]])})
    with start("shapes", "undecided", config={"mixture": {"web": 1}, "data": {"mix": {"web": 0.5, "code": 0.5}}}) as run:
        run.log({"loss": 1, "best": 2, "spoiled": 1})
        run.log({"loss": 1}, step=3)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    assert child("online", WANDB_MODE="online", WANDB_BASE_URL=address, WANDB_API_KEY="a" * 40) == 0

    # Records beyond the blocks of 32 KiB.
    with start("large", "long", config={"mixture": {"web": 0.5, "code": 0.5}}) as run:
        for step in range(120):
            run.log({f"task {i}/bpb": i + 1 / (step + 1) for i in range(20)})


what = sys.argv[2] if len(sys.argv) > 2 else "main"
{
    "main": main,
    "crash": crash,
    "leave": leave,
    "online": online,
    "killed": killed,
    "resumed": lambda: killed("resumed", "run-r", 5),
}[what]()
