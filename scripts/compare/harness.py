"""Bits per byte and accuracies of `olmix proxy eval` against lm-evaluation-harness, on the same model and tasks.

Run with a Python that has lm_eval, torch, transformers, datasets and tokenizers, and a release build of olmix:
OLMIX=target/release/olmix python scripts/compare/harness.py
Trains a small byte-level BPE tokenizer and a model, exports it, and evaluates it with both. Writes docs/comparison/harness.md, and
the values that a test of olmix-proxy is held to (crates/olmix-proxy/tests/harness).
"""

import json
import math
import os
import random
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "crates/olmix-proxy/tests/harness"
OLMIX = os.environ.get("OLMIX", str(ROOT / "target/release/olmix"))
END = "<|endoftext|>"
# The model of the test: untrained, with weights large enough that its probabilities differ.
SHAPE = dict(size="test", width=32, layers=2, heads=4, hidden=48, context=48)
SHAPE |= dict(rope_theta=10000.0, norm_eps=1e-5, qk_norm=False, init_std=0.2)
TOWNS = ["Pellow", "Oster", "Carne", "Ülm", "Nørre", "Vell", "Tamar", "Ix"]
PLACES = ["in the salt marshes", "on the river", "behind the hills", "by the cold lake", "at the north gate"]


def document(draw):
    """Articles on towns, questions on them, and sums."""
    town, place, number = draw.choice(TOWNS), draw.choice(PLACES), draw.randrange(2, 90)
    kind = draw.randrange(3)
    if kind == 0:
        return f"{town} lies {place}. It has {number} streets and {number * 3} wells – no more. "
    if kind == 1:
        return f"Q: Where does {town} lie?\nA: It lies {place}.\n"
    return f"{number} + {number + 3} = {2 * number + 3}\n"


def text(draw, length):
    return "".join(document(draw) for _ in range(length))


def tasks(draw):
    """Items by task, as olmix reads them. Contexts end in spaces and newlines, within words, and are empty."""
    found = {name: [] for name in ("spaces", "choices", "inside", "shots", "text")}
    for _ in range(12):
        town, place, number = draw.choice(TOWNS), draw.choice(PLACES), draw.randrange(2, 90)
        question = f"Q: Where does {town} lie?\nA: "
        found["spaces"].append(dict(context=question, answer=f"It lies {place}."))
        found["spaces"].append(dict(context=f"{town}\u00a0lies\n\t ", answer=place))
        choices = draw.sample(PLACES, 3)
        found["choices"].append(dict(context=f"{town} lies ", choices=choices, gold=draw.randrange(3)))
        found["choices"].append(dict(context=f"{town} lies", choices=[f" {place}", f" {place}", " no"], gold=draw.randrange(2)))
        found["inside"].append(dict(context=f"{number} + 3", answer=f"1 = {number + 31}"))
        found["inside"].append(dict(context=f"The str", answer="eets – they’re 5 €"))
        found["inside"].append(dict(context="", answer=town))
        found["shots"].append(dict(context=question, choices=[f"It lies {place}.", "No one knows."], gold=0))
        found["text"].append(dict(text=text(draw, draw.randrange(1, 12))))
    return found


SHOTS = "Q: Where does Vell lie?\nA: It lies by the cold lake.\n\n"


def write_tasks(folder, found):
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    for name, items in found.items():
        lines = [json.dumps(item, ensure_ascii=False) + "\n" for item in items]
        (folder / "tasks" / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "shots.txt").write_text(SHOTS, encoding="utf-8")


def train_tokenizer(texts, path, size):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=size, special_tokens=[END], initial_alphabet=alphabet))
    # So that `add_bos_token` of the harness has something to add.
    end = tokenizer.token_to_id(END)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, end)])
    tokenizer.save(str(path))
    return tokenizer.get_vocab_size()


def theirs(model, folder, found, add_bos_token):
    """What lm-evaluation-harness makes of a model's folder, by the names of olmix."""
    from lm_eval import simple_evaluate
    from lm_eval.models.huggingface import HFLM

    tasks = []
    for name, items in found.items():
        file = folder / f"harness-{name}.jsonl"
        task = dict(task=name, dataset_path="json", dataset_kwargs=dict(data_files=dict(test=str(file))), test_split="test")
        task |= dict(target_delimiter="", fewshot_delimiter="", num_fewshot=0)
        if name == "text":
            rows = items
            task |= dict(output_type="loglikelihood_rolling", doc_to_text="", doc_to_target="text")
            task |= dict(metric_list=[dict(metric="bits_per_byte")])
        else:
            shots = SHOTS if name == "shots" else ""
            rows = [
                dict(context=shots + item["context"], choices=item.get("choices") or [item["answer"]], gold=item.get("gold", 0))
                for item in items
            ]
            task |= dict(output_type="multiple_choice", doc_to_text="context", doc_to_choice="choices", doc_to_target="gold")
            task |= dict(metric_list=[dict(metric="acc_bytes", aggregation="mean", higher_is_better=True)])
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        tasks.append(task)
    results = dict(results={}, samples={})
    # With add_bos_token the harness begins a rolling text with two of them, and measures the second.
    for add in (False, True) if add_bos_token else (False,):
        some = [task for task in tasks if (task["task"] == "text") != add or not add_bos_token]
        lm = HFLM(pretrained=str(model), dtype="float32", device="cpu", batch_size=1, add_bos_token=add)
        part = simple_evaluate(model=lm, tasks=some, log_samples=True, bootstrap_iters=0)
        results["results"] |= part["results"]
        results["samples"] |= part["samples"]
    values = {}
    for name, items in found.items():
        scores = results["results"][name]
        if name == "text":
            values[name] = scores["bits_per_byte,none"]
            continue
        bits = []
        for sample in results["samples"][name]:
            doc = sample["doc"]
            answer, nats = doc["choices"][doc["gold"]], float(sample["filtered_resps"][doc["gold"]][0])
            bits.append(-nats / math.log(2) / len(answer.encode("utf-8")))
        assert len(bits) == len(items)
        values[name] = sum(bits) / len(bits)
        if any("choices" in item for item in items):
            values[f"{name}:accuracy"] = scores["acc_bytes,none"]
    return values


def call(*words, **options):
    subprocess.run([str(word) for word in words], check=True, **options)


def trained(folder):
    """A model that olmix trained, in RUN."""
    draw = random.Random(1)
    texts = [text(draw, 6) for _ in range(1500)]
    (folder / "texts.jsonl").write_text("".join(json.dumps(dict(text=t)) + "\n" for t in texts))
    train_tokenizer(texts, folder / "tokenizer.json", 500)
    call(OLMIX, "tokenize", "--input", "texts.jsonl", "--tokenizer", "tokenizer.json", "--output", "shards", "--quiet", cwd=folder)
    config = dict(
        name="harness",
        training=dict(proxy_model_id="demo", tokenizer="tokenizer.json", tokens=400_000, global_batch_size=4096, sequence_length=64),
        data=dict(dtype="uint16", sources=[dict(name="towns", paths=["shards/train/*.bin"])]),
        mix=dict(towns=1.0),
    )
    (folder / "launch.yaml").write_text(json.dumps(config))
    call(OLMIX, "proxy", "train", "--config", "launch.yaml", "--out", "run", "--quiet", cwd=folder)
    return folder / "run"


def ours(run, folder, add_bos_token):
    """What `olmix proxy eval` makes of it: tasks with the few-shot prefix, and those without."""
    values = {}
    for named, options in ((lambda n: n != "shots", []), (lambda n: n == "shots", ["--few-shot", folder / "shots.txt"])):
        files = sorted(file for file in (folder / "tasks").iterdir() if named(file.stem))
        words = [word for file in files for word in ("--tasks", file)] + options + ["--add-bos-token"] * add_bos_token
        done = subprocess.run(
            [OLMIX, "proxy", "eval", "--model", run, "--output", folder / "ours.json", "--json", *words], stdout=subprocess.PIPE, check=True
        )
        values |= json.loads(done.stdout)["metrics"]
    return values


def untrained(folder, found):
    """The values that the test of olmix-proxy is held to."""
    draw = random.Random(2)
    vocab = train_tokenizer([text(draw, 6) for _ in range(200)], FIXTURE / "tokenizer.json", 320)
    shape = SHAPE | dict(vocab=vocab)
    (folder / "shape.json").write_text(json.dumps(shape))
    call("cargo", "build", "--quiet", "-p", "olmix", "-p", "olmix-proxy", "--example", "harness", cwd=ROOT)
    example = ROOT / "target/debug/examples/harness"
    call(example, folder / "shape.json", FIXTURE / "tokenizer.json", folder / "untrained")
    definition = "lm-evaluation-harness"
    expected = dict(lm_eval=version("lm_eval"), shape=shape)
    for name, add in ((definition, False), (f"{definition}, add_bos_token", True)):
        expected[name] = theirs(folder / "untrained", folder, found, add)
    (FIXTURE / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")


def main():
    found = tasks(random.Random(3))
    write_tasks(FIXTURE, found)
    rows, worst = [], 0.0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_tasks(folder, found)
        untrained(folder, found)
        run = trained(folder)
        for add in (False, True):
            a, b = ours(run, folder, add), theirs(run / "model", folder, found, add)
            assert a.keys() == b.keys(), (a.keys(), b.keys())
            for name in sorted(a):
                worst = max(worst, abs(a[name] - b[name]))
                rows.append(f"| `{name}` | {'yes' if add else 'no'} | {a[name]:.7f} | {b[name]:.7f} | {abs(a[name] - b[name]):.1e} |")
    names = ("lm_eval", "torch", "transformers", "tokenizers")
    lines = [
        "# Evaluation against lm-evaluation-harness",
        "",
        "`python scripts/compare/harness.py`: a model with a byte-level BPE tokenizer of 500 tokens that olmix trained, evaluated by",
        "`olmix proxy eval` and by `HFLM` of lm-evaluation-harness on its exported folder.",
        ", ".join(f"{name} {version(name)}" for name in names) + ", single precision on a CPU.",
        "`spaces` has contexts that end in white space, `inside` contexts that end within a word and empty ones, `choices` has equal",
        "choices, `shots` a few-shot prefix, `text` rolling texts of up to some 700 bytes. `NAME:accuracy` is the harness' `acc_bytes`.",
        "",
        "| metric | `add_bos_token` | olmix | lm-evaluation-harness | difference |",
        "| --- | --- | ---: | ---: | ---: |",
        *rows,
    ]
    report = "\n".join(lines) + "\n"
    print(report)
    (ROOT / "docs/comparison/harness.md").write_text(report)
    sys.exit(worst > 1e-5)


if __name__ == "__main__":
    main()
