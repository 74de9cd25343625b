"""Runs of TensorBoard, trackio and SwanLab, as their packages write them: `make_small.py FOLDER`."""
import glob
import os
import subprocess
import sys

FOLDER = sys.argv[1]
LAST = 40


def mixture(web):
    return {"web": web, "code": 1 - web}


def tensorboard():
    from tensorboardX import SummaryWriter
    from tensorboardX.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboardX.proto.tensor_pb2 import TensorProto

    def write(folder, loss, steps, suffix, web=None, more=()):
        writer = SummaryWriter(os.path.join(FOLDER, "tb", folder), filename_suffix=suffix)
        for step in steps:
            writer.add_scalar("loss", loss + LAST - step, step)
            writer.add_scalar("eval/bpb", loss / 2 + 0.1, step)
        for tag, value in more:
            writer.add_scalar(tag, value, steps[-1])
        writer.add_histogram("weights", [1.0, 2.0, 3.0], 1)
        writer.add_text("note", "no number", 0)
        if web is not None:
            writer.add_hparams({"lr": 0.1, "mixture/web": web, "mixture/code": 1 - web}, {"m": 1.0})
        writer.close()

    whole = range(0, LAST + 1, 10)
    write("run-a", 2, whole, ".1", 0.75)
    # Begun again, and stopped early.
    write("run-a", 50, range(0, 11, 10), ".2")
    # Preempted, and continued in a folder with another time.
    write("run-b/runs/Nov27_17-41-00_node1", 3, range(0, 21, 10), ".1", 0.5)
    write("run-b/runs/Nov27_18-41-00_node2", 3, range(20, LAST + 1, 10), ".2")
    # Scalars as tensors, as newer writers store them.
    writer = SummaryWriter(os.path.join(FOLDER, "tb/run-c"))
    scalars = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="scalars"))
    for step in whole:
        loss = TensorProto(dtype="DT_FLOAT", float_val=[4.0 + LAST - step])
        bpb = TensorProto(dtype="DT_DOUBLE", double_val=[2.1])
        # The plugin is named with a tag's first value.
        first = scalars if step == 0 else None
        values = [Summary.Value(tag="loss", tensor=loss, metadata=first), Summary.Value(tag="eval/bpb", tensor=bpb, metadata=first)]
        writer.file_writer.add_summary(Summary(value=values), step)
    writer.add_hparams({"mixture": "{'web': 0.25, 'code': 0.75}"}, {})
    writer.close()
    write("run-s", 1, range(0, 21, 10), ".1", 1)
    write("run-n", float("nan"), whole, ".1", 1)
    write("run-t/train", 5, whole, ".1", 0)
    write("run-x", 1, whole, ".1", 1)
    cut = glob.glob(os.path.join(FOLDER, "tb/run-x/events*"))[0]
    os.truncate(cut, os.path.getsize(cut) - 5)
    os.makedirs(os.path.join(FOLDER, "tb/run-y"))
    with open(os.path.join(FOLDER, "tb/run-y/events.out.tfevents.1.host"), "w") as file:
        file.write("an event file of another kind, with more bytes than a header")


def trackio():
    os.environ["TRACKIO_DIR"] = os.path.join(FOLDER, "trackio")
    import trackio

    def run(name, loss, last, web):
        trackio.init(project="p", name=name, config={"lr": 0.1, "mixture": mixture(web)}, auto_log_gpu=False)
        for step in range(0, last + 1, 10):
            trackio.log({"loss": loss + last - step, "eval": {"bpb": loss / 2}, "note": "x"}, step=step)
        trackio.finish()

    run("run-a", 2, LAST, 0.75)
    run("run-b", 3, LAST, 0.5)
    run("run-n", float("nan"), LAST, 1.0)
    run("run-s", 4, 20, 1.0)
    # Names that no table can hold.
    run("two\nlines", 3, LAST, 0.5)
    trackio.init(project="p", name="run-d", config={"mixture": {"web\u2028": 1.0}}, auto_log_gpu=False)
    for step in range(0, LAST + 1, 10):
        trackio.log({"loss": 3.0, "eval": {"bpb": 1.0}, "a\tb": 1.0}, step=step)
    trackio.finish()


def swanlab(name, loss, last, web):
    import swanlab

    run = swanlab.init(
        project="p",
        experiment_name=name,
        mode="offline",
        logdir=os.path.join(FOLDER, "swanlog"),
        config={"lr": 0.1, "mixture": mixture(web)},
    )
    for step in range(0, last + 1, 10):
        swanlab.log({"loss": loss + last - step, "eval": {"bpb": loss / 2}}, step=step)
    return run


def main():
    tensorboard()
    trackio()
    import swanlab as package

    for run in (("run-a", 2, LAST, 0.75), ("run-b", 3, LAST, 0.5), ("run-n", float("nan"), LAST, 1.0), ("run-s", 4, 20, 1.0)):
        swanlab(*run)
        package.finish()
    assert subprocess.run([sys.executable, __file__, FOLDER, "crash"], stderr=subprocess.DEVNULL).returncode == 1
    assert subprocess.run([sys.executable, __file__, FOLDER, "killed"]).returncode == 3


what = sys.argv[2] if len(sys.argv) > 2 else "main"
if what == "main":
    main()
elif what == "crash":
    swanlab("run-b", 9, LAST, 0.5)
    raise RuntimeError("out of memory, say")
else:
    swanlab("run-k", 9, LAST, 0.5)
    os._exit(3)
