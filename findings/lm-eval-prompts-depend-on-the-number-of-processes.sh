#!/usr/bin/env bash
# lm-eval 0.4.13 (August 2026): which few-shot examples a question gets depends on how many processes run.
#
# Guess: with one few-shot seed (1234, the default) a question has the same prompt on 1 GPU as on 4; data
#   parallel evaluation splits the questions and changes nothing else.
# Seen: on 2 processes, as on 4, 39 of 40 questions get other examples than on 1; on 4 the questions
#   come in fours that share one draw, so 40 questions see 10 different sets of examples, not 40. Choosing
#   questions (--samples) moves the draws as well: the last question, asked alone, gets the first draw.
# Why it matters: few-shot scores of two mixtures are compared at differences of a point. Proxies measured
#   on 1 GPU and a target measured on 8 answer different prompts, and with many processes there are fewer
#   independent prompts than the standard error assumes. (That scores change with the number of GPUs is
#   issue 1719 of the harness.)
# Where: lm_eval/api/samplers.py ContextSampler.sample draws from one running generator; each process seeds
#   it alike (evaluator.py set_fewshot_seed) and then walks only its own questions (api/task.py
#   doc_iterator, utils.create_iterator: every world_size-th), so the n-th draw meets another question.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check lm-eval==0.4.13 datasets==5.2.0
export HF_HOME="$work/hf" HF_HUB_OFFLINE=1
mkdir "$work/tasks"
cd "$work"
cat > tasks/parity.yaml <<EOF
task: parity
dataset_path: json
dataset_kwargs:
  data_files: {train: $work/train.jsonl, test: $work/test.jsonl}
training_split: train
test_split: test
fewshot_split: train
num_fewshot: 2
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: ["even", "odd"]
doc_to_target: answer
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
EOF
cat > check.py <<'EOF'
import json
from importlib.metadata import version

from lm_eval.tasks import TaskManager

QUESTIONS = 40
for split, size in (("train", 400), ("test", QUESTIONS)):
    with open(f"{split}.jsonl", "w") as out:
        for number in range(size):
            out.write(json.dumps({"question": f"{split} {number} is", "answer": number % 2}) + "\n")


def prompts(processes, samples=None):
    """The few-shot examples of each question, as the harness builds them on that many processes."""
    found = {}
    for rank in range(processes):
        task = TaskManager(include_path="tasks", include_defaults=False).load(["parity"])["tasks"]["parity"]
        task.set_fewshot_seed(seed=1234)
        task.build_all_requests(rank=rank, world_size=processes, samples=samples)
        for request in task.instances:
            question = request.doc["question"]
            found[question] = request.args[0].removesuffix(question)
    return found


print("lm-eval", version("lm-eval"))
alone = prompts(1)
different = {}
for processes in (1, 2, 4):
    here = prompts(processes)
    changed = sum(here[question] != alone[question] for question in alone)
    different[processes] = len(set(here.values()))
    print(f"{processes} process(es): {len(here)} questions, {changed} with other examples than on 1 process, "
          f"{different[processes]} different sets of examples")
    assert len(here) == QUESTIONS
    assert (changed == 0) == (processes == 1), "prompts no longer depend on the number of processes"
last = f"test {QUESTIONS - 1} is"
only = prompts(1, samples=[QUESTIONS - 1])
print("the last question alone gets the examples of the first:", only[last] == alone["test 0 is"])
assert different[1] > 35 and different[4] == QUESTIONS // 4, "processes no longer share the same draws"
assert only[last] == alone["test 0 is"] != alone[last], "choosing questions no longer moves the draws"
print("as recorded: the same seed, other prompts")
EOF
"$work/venv/bin/python" check.py 2> stderr.txt || { tail -n 20 stderr.txt >&2; exit 1; }
