#!/usr/bin/env bash
# simple-slurm 0.3.6: all tasks of an array take the same run, if the script is kept in a file.
#
# Guess: `sbatch(command, job_file="proxies.sh")` submits the script that `sbatch(command)` submits, and leaves it in a file for the record.
# Seen: without a file, `python train.py --run runs/$SLURM_ARRAY_TASK_ID` has the task's number. With one, each dollar sign
#   has a backslash before it, which is for the shell that passes a script on and which nothing takes away here: every task is
#   given the text `$SLURM_ARRAY_TASK_ID`, and so are $HOME, $TMPDIR and the package's own Slurm.SLURM_ARRAY_TASK_ID.
# Why it matters: eight tasks train into one folder of that odd name, at the same time, and exit with 0. What is
#   collected is one run, the last to write, under a name that no mixture has. Keeping the script of a submission is what a careful
#   user does, and it is the only thing that differs. `convert=False` is needed with a file, and wrong without one.
# Where: simple_slurm/core.py, Slurm.sbatch hands its `convert=True`, which is meant for the text after `<< EOF`, to
#   self.script() for a file as well.
# The `sbatch` here keeps the script that it is given and answers in the words of the real one; the script is then run as Slurm runs it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check simple-slurm==0.3.6
mkdir "$work/bin" "$work/jobs"
cd "$work"
cat > bin/sbatch <<'EOF'
#!/bin/sh
job=$(($(ls jobs | wc -l) + 1))
cat "${1:--}" > "jobs/$job.sh"
echo "Submitted batch job $job"
EOF
chmod +x bin/sbatch
cat > launch.py <<'EOF'
from importlib.metadata import version

from simple_slurm import Slurm

print("simple-slurm", version("simple-slurm"))
for options in ({}, {"job_file": "proxies.sh"}):
    slurm = Slurm(array=range(4))
    slurm.sbatch("mkdir -p", f"runs/{Slurm.SLURM_ARRAY_TASK_ID}", verbose=False, **options)
EOF
PATH="$work/bin:$PATH" "$work/venv/bin/python" launch.py
for job in 1 2; do
    rm -rf runs
    for task in 0 1 2 3; do
        SLURM_ARRAY_TASK_ID=$task sh "jobs/$job.sh"
    done
    folders=$(ls runs | tr '\n' ' ')
    echo "job $job, four tasks, folders: $folders"
    echo "$folders" >> seen.txt
done
[ "$(head -n 1 seen.txt)" = "0 1 2 3 " ] || { echo "tasks without a file have other folders" >&2; exit 1; }
# shellcheck disable=SC2016
[ "$(tail -n 1 seen.txt)" = '$SLURM_ARRAY_TASK_ID ' ] || { echo "tasks of a job file know their number now" >&2; exit 1; }
echo "as recorded: with a job file all tasks have one folder"
