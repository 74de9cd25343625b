#!/usr/bin/env bash
# submitit 1.5.4: a job that was killed returns the result of another job, if each launcher runs in a container of its own.
#
# Guess: `result()` of a local job whose process was killed raises UncompletedJobError, as submitit documents it,
#   whatever jobs used its folder before.
# Seen: so it is on one machine. A local job's name is the number of its process. In a container numbers start at 1, so the
#   first job of every container is the same one (2 here), and all of them write 2_0_result.pkl in the folder they share.
#   The job on web finishes; the job on code, in the next container, is killed before it writes: `result()` is then
#   the metrics of web, `exception()` is None and the state FINISHED. A job that fails by an exception is told apart.
# Why it matters: a pod or container per proxy run, with a folder on shared storage, is how many clusters are used, and
#   the kernel's memory killer or a time limit ends a run just like this. The mixture of one run is then recorded with the
#   loss of another, without any sign, and the fit believes that the two mixtures are equally good.
# Where: submitit/local/local.py, LocalExecutor._submit_command (job_id=str(process.pid)); nothing removes a result file
#   that is there before the job starts, and core/core.py, Job._get_outcome_and_result, asks only whether it exists.
# Needs `unshare` of util-linux, and the right to make process namespaces (root, or user namespaces).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check submitit==1.5.4
cd "$work"
cat > launch.py <<'EOF'
import json
import os
import signal
import sys

import submitit

mixture, end = sys.argv[1:]


def train(mixture, end):
    if end == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "fails":
        raise RuntimeError("the loss is not finite")
    return {"mixture": mixture, "loss": 3.1}


executor = submitit.LocalExecutor(folder="jobs")
executor.update_parameters(timeout_min=5)
job = executor.submit(train, mixture, end)
try:
    seen = job.result()
except Exception as error:
    seen = type(error).__name__
print(json.dumps({"job": job.job_id, "mixture": mixture, "end": end, "result": seen, "state": job.state}))
EOF
# A container in what matters here: process numbers of its own.
container=(unshare --pid --fork --mount-proc)
[ "$(id -u)" = 0 ] || container=(unshare --user --map-root-user --pid --fork --mount-proc)
for run in "web finished" "code killed" "books fails"; do
    # shellcheck disable=SC2086
    "${container[@]}" "$work/venv/bin/python" launch.py $run | tee -a in-containers.txt
done
mv jobs jobs-of-containers
echo "a killed job in a folder of its own:"
"$work/venv/bin/python" launch.py code killed | tee alone.txt
"$work/venv/bin/python" - <<'EOF'
import json

web, code, books = (json.loads(line) for line in open("in-containers.txt"))
[alone] = (json.loads(line) for line in open("alone.txt"))
assert web["job"] == code["job"] == books["job"], "jobs of containers have different names now"
assert code["result"] == web["result"] == {"mixture": "web", "loss": 3.1}, "a killed job has no foreign result any more"
assert books["result"] == "FailedJobError", "a job that raised is no longer told apart"
assert alone["result"] == "UncompletedJobError", "a killed job alone ends in another way"
print("as recorded: the killed job on code returns the metrics of web")
EOF
