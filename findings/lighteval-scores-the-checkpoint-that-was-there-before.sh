#!/usr/bin/env bash
# lighteval 0.13.0: a checkpoint gets the scores of the one that was in its folder before.
#
# Guess: an evaluation of runs/proxy/final scores the weights that are in that folder. If answers are kept from one evaluation to the
#   next, they are kept by the weights, or by the time of the file, or only on request.
# Seen: answers are kept, in ~/.cache/huggingface/lighteval, by the options of the model: its path is one, its weights are not. The
#   first evaluation scores 0.295. Then another model is saved in the same folder: 0.295 again, with the same error,
#   and all 200 answers are the first model's. The same weights in a folder of another name get their own score. No
#   option turns this off, nothing runs out, and the results file does not tell answers that were kept from new ones.
# Why it matters: proxies are trained again and again into one place: a resumed run that went on to a later step, a run repeated after
#   a fault, a loop that trains, evaluates and deletes. Their scores are all those of the first one. A mixture
#   search on them sees runs without noise and without effect, or fits the effect of other mixtures.
# Where: lighteval/utils/cache_management.py, SampleCache.get_model_hash hashes the fields of the model's config, and `cached` asks for
#   the numbers of the questions only; every model class has a cache (self._cache = SampleCache(config)).
# lighteval's own tasks, some of which download when they are imported, are left out; a task of local questions is used.
# Downloads torch (3 GB with its GPU libraries; from an index of CPU wheels, set in PIP_INDEX_URL, 0.2 GB).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check lighteval==0.13.0 torch==2.13.0 \
  transformers==5.24.0 huggingface-hub==2.4.0 datasets==5.2.0 accelerate==1.15.0 xxhash==3.6.0
export HOME="$work" HF_HOME="$work/hf" HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false CUDA_VISIBLE_DEVICES=
cd "$work"
cat > tasks.py <<'EOF'
from lighteval.metrics.metrics import Metrics
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc


def question(line, task_name=None):
    return Doc(task_name=task_name, query=line["query"], choices=line["choices"], gold_index=line["gold"])


TASKS_TABLE = [
    LightevalTaskConfig(name="local", prompt_function=question, hf_repo="questions", hf_subset="default",
                        hf_avail_splits=["test"], evaluation_splits=["test"], metrics=[Metrics.loglikelihood_acc])
]
EOF
cat > check.py <<'EOF'
import json
import random
import shutil
from importlib.metadata import version
from pathlib import Path

import torch
from lighteval.logging.evaluation_tracker import EvaluationTracker
from lighteval.models.transformers.transformers_model import TransformersModelConfig
from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters
from lighteval.tasks.registry import Registry
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

Registry._load_from_files = staticmethod(lambda *_: {})
Registry._load_from_subdirs = staticmethod(lambda *_: {})
draw = random.Random(0)
Path("questions").mkdir()
with open("questions/test.jsonl", "w") as out:
    for number in range(200):
        line = {"query": f"{number} is", "choices": [" odd", " even", " big", " low"], "gold": draw.randrange(4)}
        out.write(json.dumps(line) + "\n")
VOCAB = ["<s>", "</s>"] + sorted(pre_tokenizers.ByteLevel.alphabet())


def trained(folder, seed):
    """A model, saved as a trainer saves it."""
    torch.manual_seed(seed)
    shape = {"n_positions": 64, "n_embd": 32, "n_layer": 1, "n_head": 2, "initializer_range": 1.0}
    ends = {"bos_token_id": 0, "eos_token_id": 1}
    GPT2LMHeadModel(GPT2Config(vocab_size=len(VOCAB), **shape, **ends)).save_pretrained(folder)
    raw = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(VOCAB)}, merges=[]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    ends = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    PreTrainedTokenizerFast(tokenizer_object=raw, **ends).save_pretrained(folder)


def score(folder):
    pipeline = Pipeline(
        tasks="local|0",
        pipeline_parameters=PipelineParameters(
            launcher_type=ParallelismManager.ACCELERATE, custom_tasks_directory="tasks.py"
        ),
        evaluation_tracker=EvaluationTracker(output_dir="results"),
        model_config=TransformersModelConfig(model_name=folder, batch_size=50, max_length=64),
    )
    pipeline.evaluate()
    return pipeline.get_results()["results"]["all"]["acc"]


print("lighteval", version("lighteval"))
trained("final", seed=1)
first = score("final")
shutil.rmtree("final")
trained("final", seed=2)
again = score("final")
shutil.copytree("final", "elsewhere")
elsewhere = score("elsewhere")
shutil.rmtree(Path.home() / ".cache/huggingface/lighteval")
forgotten = score("final")
print(f"first model {first}; second model, same folder {again}; second model, folder of another name {elsewhere}; "
      f"second model, first folder, cache deleted {forgotten}")
assert elsewhere == forgotten != first, "the two models cannot be told apart"
assert again == first, "a new model in the folder is scored now"
print("as recorded: the second model gets the score of the first")
EOF
"$work/venv/bin/python" check.py 2> stderr.txt | grep -v "^|\|^$" || { tail -n 20 stderr.txt >&2; exit 1; }
