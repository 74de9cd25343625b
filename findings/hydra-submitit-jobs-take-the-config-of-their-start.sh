#!/usr/bin/env bash
# hydra-core 1.3.8 with hydra-submitit-launcher 1.2.0: a submitted job trains on what the config files say when it starts, and again
# when it is started again.
#
# Guess: `--multirun` composes the configs of all jobs and hands them to submitit, which keeps the function and its arguments
#   in a file. What happens to conf/*.yaml afterwards is of no concern to jobs that wait or run.
# Seen: what is kept is the list of overrides, `lr=0.1`. A job reads the config files when its turn comes: an edit of the
#   mixture in conf/base.yaml right after the submission goes into all jobs of the sweep. A job that is preempted and
#   requeued reads them once more: begun on .7 and .3, it goes on with .1 and .9, and its .hydra/config.yaml then says that
#   it was .1 and .9 all along. No job notices; all exit with 0.
# Why it matters: a sweep of proxies waits for hours, and the next sweep is prepared by editing the same file meanwhile. Whatever was
#   not given as an override (a base mixture, the data, the length) is then that of the next sweep, for those jobs that
#   had not started, and from the middle on for those that were preempted.
# Where: hydra_plugins/hydra_submitit_launcher/submitit_launcher.py, BaseSubmititLauncher.__call__ runs in the job and calls
#   config_loader.load_sweep_config; checkpoint() submits the same call again.
# Jobs run on this machine (`submitit_local`); preemption is the signal that Slurm would send.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check hydra-core==1.3.8 hydra-submitit-launcher==1.2.0 submitit==1.5.4
cd "$work"
mkdir conf
cat > conf/base.yaml <<'EOF'
mixture: {web: 0.7, code: 0.3}
lr: 0.1
preempted: false
hydra:
  sweep: {dir: "${oc.env:SWEEP}", subdir: "${hydra.job.num}"}
EOF
cp conf/base.yaml first.yaml
cat > train.py <<'EOF'
import os
import signal
import time
from pathlib import Path

import hydra


@hydra.main(version_base=None, config_path="conf", config_name="base")
def train(config):
    log = Path(f"{os.environ['SWEEP']}-lr{config.lr}.txt")
    starts = log.read_text().splitlines() if log.exists() else []
    with log.open("a") as out:
        out.write(f"{config.mixture.web}\n")
    if config.preempted and not starts:
        while "0.7" in Path("conf/base.yaml").read_text():
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGUSR2)
        time.sleep(60)


train()
EOF
# Waits for a file, then edits the mixture, as somebody does who prepares the next sweep.
edit_after() {
    until compgen -G "$1" > /dev/null; do sleep 0.01; done
    sed -i 's/web: 0.7, code: 0.3/web: 0.1, code: 0.9/' conf/base.yaml
}
export SWEEP=waiting
edit_after "waiting/.submitit/*/*_submitted.pkl" &
"$work/venv/bin/python" train.py --multirun hydra/launcher=submitit_local lr=0.1,0.2 > log.txt 2>&1 || { cat log.txt >&2; exit 1; }
wait
cp first.yaml conf/base.yaml
export SWEEP=preempted
edit_after "preempted-lr0.1.txt" &
"$work/venv/bin/python" train.py --multirun hydra/launcher=submitit_local lr=0.1 preempted=true > log.txt 2>&1 || { cat log.txt >&2; exit 1; }
wait
for file in waiting-lr0.1 waiting-lr0.2 preempted-lr0.1; do
    echo "$file: web was submitted as 0.7 and trained as $(tr '\n' ' ' < $file.txt)"
done
record=$(grep "web:" preempted/0/.hydra/config.yaml)
echo "the record of the preempted job:$record"
[ "$(cat waiting-*.txt | sort -u)" = 0.1 ] || { echo "waiting jobs keep the config of their submission" >&2; exit 1; }
[ "$(tr '\n' ' ' < preempted-lr0.1.txt)" = "0.7 0.1 " ] || { echo "a requeued job keeps its config" >&2; exit 1; }
[ "$record" = "  web: 0.1" ] || { echo "the record is another" >&2; exit 1; }
echo "as recorded: jobs take the config of their start"
