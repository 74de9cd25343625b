#!/usr/bin/env bash
# simple-slurm 0.3.6: the n-th job that is submitted from one Slurm object runs the commands of all n.
#
# Guess: `slurm.sbatch(command)` submits a job of that command; an object with the options of all proxies, and one call for each
#   mixture, gives one job a mixture. Commands that are to come first in all of them are added by `add_cmd`.
# Seen: a call keeps its command in the object, as add_cmd does. The job of code trains web and then code; that of books all
#   three. A hundred mixtures are trained 5,050 times. `reset_cmd()` between the calls helps, and drops what add_cmd added.
# Why it matters: jobs that start together train web at the same time into the same folder, and the file of its loss is written by
#   whichever ends last. A script goes on after a command that fails, so a job whose last command worked counts as
#   completed; the later jobs run into their time limit and are lost, although their own runs would have fitted. The
#   job ids, names and options all look right.
# Where: simple_slurm/core.py, Slurm.sbatch and Slurm.srun call self.add_cmd(*run_cmd), and nothing takes it away afterwards.
# The `sbatch` here keeps the script that it is given and answers in the words of the real one; the script is then run.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check simple-slurm==0.3.6
mkdir "$work/bin" "$work/jobs" "$work/runs"
cd "$work"
cat > bin/sbatch <<'EOF'
#!/bin/sh
job=$(($(ls jobs | wc -l) + 1))
cat > "jobs/$job.sh"
echo "Submitted batch job $job"
EOF
chmod +x bin/sbatch
cat > launch.py <<'EOF'
from importlib.metadata import version

from simple_slurm import Slurm

print("simple-slurm", version("simple-slurm"))
slurm = Slurm(cpus_per_task=8, time="02:00:00")
slurm.add_cmd("export OMP_NUM_THREADS=8")
for mixture in ("web", "code", "books"):
    slurm.sbatch(f"echo trained in job $SLURM_JOB_ID >> runs/{mixture}", verbose=False)
EOF
PATH="$work/bin:$PATH" "$work/venv/bin/python" launch.py
for job in 1 2 3; do
    SLURM_JOB_ID=$job sh "jobs/$job.sh"
done
for mixture in web code books; do
    echo "$mixture was trained $(wc -l < "runs/$mixture") time(s): $(tr '\n' ';' < "runs/$mixture")"
done
[ "$(cat runs/web runs/code runs/books | wc -l)" = 6 ] || { echo "a job runs its own command alone now" >&2; exit 1; }
grep -q "job 3" runs/web || { echo "the last job no longer trains the first mixture" >&2; exit 1; }
echo "as recorded: the third job trains all three mixtures"
