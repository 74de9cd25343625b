"""Runs of MLflow, as its own client writes them: `make_mlflow.py FOLDER`, into mlflow.db and into mlruns/."""
import math
import os
import sys

# The file store is in maintenance; people have years of runs in it.
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
from mlflow.entities import Metric, Param  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

FOLDER = sys.argv[1]
FUTURE = 4102444800000


def fill(client, runs):
    proxies = client.create_experiment("proxies")

    def run(name, metrics, status="FINISHED", start=None, params=None, tags=None):
        run = client.create_run(proxies, run_name=name, start_time=start, tags=tags or {}).info.run_id
        params = [Param(key, str(value)) for key, value in (params or {}).items()]
        client.log_batch(run, [Metric(k, v, 0, s) for k, v, s in metrics], params)
        if status:
            client.set_terminated(run, status)
        return run

    for i in range(runs):
        # Steps arrive in any order.
        run(f"r{i:03}", [("loss", 1 + i / 8, 100), ("loss", 9.0, 50), ("eval/arc easy", i / 4, 100), ("system/cpu", 0.5, 0)])
    run("still", [("loss", 1.0, 100)], status=None)
    run("broken", [("loss", 1.0, 100)], status="FAILED")
    run("nan", [("loss", math.nan, 100)])
    run("inf", [("loss", math.inf, 100)])
    run("r000", [("loss", 0.5, 100), ("eval/arc easy", 0.25, 100)], start=FUTURE)
    # Begun again later, and stopped early.
    run("r001", [("loss", 77.0, 3), ("eval/arc easy", 77, 3)], start=FUTURE)
    run("short", [("loss", 0.5, 80), ("eval/arc easy", 1, 80)])
    run("unknown", [("loss", 0.5, 100)])
    client.delete_run(run("deleted", [("loss", 0.5, 100)]))
    # Names of MLflow's own making, which tell nothing.
    with open(os.path.join(FOLDER, "by-id.txt"), "w") as file:
        file.write(run("capable-fish-7", [("loss", 0.125, 100), ("eval/arc easy", 2, 100)]))

    configured = client.create_experiment("configured")
    for name, params, tags in (
        ("keys", {"mixture/web": 0.75, "mixture/code": 0.25, "lr": 0.1}, {}),
        ("dict", {"mixture": {"web": 0.5, "code": 0.5}}, {}),
        ("tag", {}, {"mixture": '{"web": 0.25, "code": 0.75}'}),
        ("twice", {"mixture": {"web": 1.0}}, {"data.mix": "{web: 0.5, code: 0.5}"}),
    ):
        id = client.create_run(configured, run_name=name, tags=tags).info.run_id
        params = [Param(key, str(value)) for key, value in params.items()]
        client.log_batch(id, [Metric("loss", 1.5, 0, 100)], params)
        client.set_terminated(id)


fill(MlflowClient(f"sqlite:///{FOLDER}/mlflow.db"), 4)
os.makedirs(os.path.join(FOLDER, "store"))
fill(MlflowClient(f"file://{FOLDER}/store/mlruns"), 4)
