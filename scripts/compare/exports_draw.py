"""Run by exports.py in the environment of a trainer: makes token data in its format, or loads an export and draws a run from it.

Reads a step a line, as JSON, and answers each with a line of JSON, so that packages are imported once:

    ["make", KIND, JOBS]       JOBS: [[path, mark, tokens], ...]; every token of a file is its mark. Answer: null, or the error
    ["draw", FORMAT, JOBS]     JOBS: [[export, sequence, tokens of the run, folder of the data], ...]. Answer: for each job the
                               sequences drawn by mark, and what the loader says besides, or the error
"""

import collections
import importlib.util
import json
import os
import sys
import tempfile
import time
import traceback
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# A row of text and of MDS holds this many tokens.
ROW = 128


def module(file):
    """A Python file as a module, whatever its name."""
    spec = importlib.util.spec_from_file_location("mixture", file)
    found = importlib.util.module_from_spec(spec)
    sys.modules["mixture"] = found
    spec.loader.exec_module(found)
    return found


def marks(rows):
    return dict(collections.Counter(int(mark) for mark in rows))


# Token data.


def make_lit(path, mark, tokens):
    import torch
    from litdata import TokensLoader
    from litdata.streaming.cache import Cache

    # As litdata.optimize writes it, without a process for each folder. A chunk holds whole blocks of 129 tokens.
    cache = Cache(path, chunk_size=129 * 200, item_loader=TokensLoader())
    for index, start in enumerate(range(0, tokens, 129 * 20)):
        cache[index] = torch.full((min(129 * 20, tokens - start),), mark, dtype=torch.int32)
    cache.done()
    cache.merge(1)


def make_mds(path, mark, tokens):
    import numpy
    from streaming import MDSWriter

    with MDSWriter(out=path, columns={"tokens": "ndarray:int32"}, size_limit=1 << 22) as writer:
        for _ in range(tokens // ROW):
            writer.write({"tokens": numpy.full(ROW, mark, dtype=numpy.int32)})


def make_megatron(path, mark, tokens):
    import numpy
    import torch
    from megatron.core.datasets.indexed_dataset import IndexedDatasetBuilder

    builder = IndexedDatasetBuilder(path, dtype=numpy.uint16)
    for start in range(0, tokens, 1000):
        length = min(1000, tokens - start)
        builder.add_document(torch.full((length,), mark, dtype=torch.int32), [length])
    builder.finalize(path.removesuffix(".bin") + ".idx")


def make_tokenizer(path, mark, tokens):
    """A tokenizer of the words 0 to 99, with an end of text."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = {"<eos>": 0} | {str(word): word for word in range(1, 100)} | {"<unk>": 100}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(["<eos>"])
    Path(path).mkdir(parents=True)
    tokenizer.save(f"{path}/tokenizer.json")
    config = dict(tokenizer_class="PreTrainedTokenizerFast", eos_token="<eos>", pad_token="<eos>", unk_token="<unk>")
    Path(path, "tokenizer_config.json").write_text(json.dumps(config))


# Draws: file, sequence, tokens, folder of the data -> rows by mark, and facts.


def levanter_config(file):
    import draccus
    from levanter.main.train_lm import TrainLmConfig

    return draccus.parse(TrainLmConfig, config_path=file, args=[]).data


def draw_levanter(file, sequence, tokens, folder):
    import asyncio
    import dataclasses

    import jax
    import numpy
    from haliax import Axis
    from levanter.schedule import BatchSchedule

    data = levanter_config(file)
    facts = dict(block=data.mixture_block_size)
    with tempfile.TemporaryDirectory() as cache:
        data = dataclasses.replace(data, tokenizer=f"{folder}/tokenizer", cache_dir=cache)
        mixture = data.train_mixture(Axis("position", sequence), BatchSchedule(32), key=jax.random.PRNGKey(0))

        async def all_rows():
            count = tokens // sequence
            for start in range(0, count, 2048):
                for example in await mixture.get_batch(list(range(start, min(count, start + 2048)))):
                    yield numpy.asarray(example.tokens).max()

        async def counted():
            return marks([mark async for mark in all_rows()])

        return asyncio.run(counted()), facts


def draw_levanter_config(file, sequence, tokens, folder):
    """What the mixture of the config draws, from data sets that stand for the texts: needs no tokenized cache."""
    import draccus
    import numpy
    import yaml
    from levanter.data.mixture import MixtureDataset
    from levanter.data.text.datasets import LmDataConfig

    # The section alone: the whole run's config imports the trainer, which takes longer than all else here.
    data = draccus.decode(LmDataConfig, yaml.safe_load(Path(file).read_text())["data"])

    class Name:
        def __init__(self, name):
            self.name = name

        def is_finite(self):
            return False

    names = {name: Name(name) for name in data.components}
    mixture = MixtureDataset(names, data.train_weights, data.mixture_block_size, key=0)
    index = [mixture._get_block(row // mixture.block_size)[row % mixture.block_size] >> 16 for row in range(tokens // sequence)]
    counts = numpy.bincount(numpy.array(index), minlength=len(names))
    drawn = dict(zip(mixture.dataset_index, map(int, counts)))
    return {}, dict(block=data.mixture_block_size, domains=drawn)


def draw_huggingface(file, sequence, tokens, folder):
    load = module(file).load
    rows = tokens // sequence
    orders = [[row["text"].split()[0] for row in load(rows, streaming=streaming)] for streaming in (False, True)]
    return marks(orders[0]), dict(same_streaming=orders[0] == orders[1], streaming=marks(orders[1]))


def until(batches, count, first):
    rows = []
    for batch in batches:
        rows += [first(row) for row in batch]
        if len(rows) >= count:
            break
    return marks(rows[:count])


def draw_litgpt(file, sequence, tokens, folder):
    data = module(file).Mixture(num_workers=0)
    data.connect(tokenizer=None, batch_size=4, max_seq_length=sequence)
    loader = data.train_dataloader()
    return until(loader, tokens // sequence, lambda row: row[0]), {}


def draw_litdata(file, sequence, tokens, folder):
    """The same, where litgpt is not installed: a stand-in for its base class, which has no code of its own."""
    import types

    stand_in = types.ModuleType("litgpt.data")
    stand_in.DataModule = object
    sys.modules |= {"litgpt": types.ModuleType("litgpt"), "litgpt.data": stand_in}
    return draw_litgpt(file, sequence, tokens, folder)


def draw_streaming(file, sequence, tokens, folder):
    import yaml
    from streaming import Stream, StreamingDataset

    config = yaml.safe_load(Path(file).read_text())
    streams = [Stream(**stream) for stream in config["streams"].values()]
    data = StreamingDataset(streams=streams, epoch_size=config.get("epoch_size"), batch_size=4, shuffle=True)
    return marks(row["tokens"][0] for row in data), dict(length=len(data))


def draw_llm_foundry(file, sequence, tokens, folder):
    from llmfoundry.utils.builders import build_dataloader
    from omegaconf import OmegaConf
    from transformers import AutoTokenizer

    config = OmegaConf.to_container(OmegaConf.load(file), resolve=True)["train_loader"]
    config = dict(name="text", drop_last=False, num_workers=2) | config
    config["dataset"] = dict(max_seq_len=sequence, shuffle=True) | config["dataset"]
    loader = build_dataloader(config, AutoTokenizer.from_pretrained(f"{folder}/tokenizer"), 4).dataloader
    return marks(row for batch in loader for row in batch["input_ids"][:, 0]), {}


def draw_olmo_core(file, sequence, tokens, folder):
    from olmo_core.data import TokenizerConfig
    from olmo_core.data.composable import ComposableDataLoaderConfig

    tokenizer = TokenizerConfig(vocab_size=50_000, eos_token_id=0, pad_token_id=49_999)
    with tempfile.TemporaryDirectory() as work:
        source = module(file).mixture(tokenizer, sequence).build(work)
        config = ComposableDataLoaderConfig(tokenizer=tokenizer, global_batch_size=sequence, work_dir=work,
                                            display_source_visualization=False)
        loader = config.build(source)
        loader.reshuffle(epoch=1)
        return marks(row for batch in loader for row in batch["input_ids"][:, 0]), dict(instances=len(source))


def draw_olmo_core_mixture(file, sequence, tokens, folder):
    from olmo_core.data import NumpyFSLDatasetConfig, TokenizerConfig
    from olmo_core.data.source_mixture import SourceMixtureDatasetConfig, SourceMixtureList

    sources = SourceMixtureList.from_file(file)
    mixture = SourceMixtureDatasetConfig(source_list=sources, requested_tokens=tokens, global_batch_size=sequence, render_tables=False)
    with tempfile.TemporaryDirectory() as work:
        tokenizer = TokenizerConfig(vocab_size=50_000, eos_token_id=0, pad_token_id=49_999)
        config = NumpyFSLDatasetConfig(tokenizer=tokenizer, sequence_length=sequence, work_dir=work, source_mixture_config=mixture)
        data = config.build()
        data.prepare()
        return marks(data[row]["input_ids"][0] for row in range(len(data))), dict(length=len(data))


class Words:
    eod, pad, vocab_size, unique_identifiers = 0, -1, 50_000, {"class": "Words"}


def megatron_rows(blend, sequence, tokens):
    from megatron.core.datasets.blended_megatron_dataset_builder import BlendedMegatronDatasetBuilder
    from megatron.core.datasets.gpt_dataset import GPTDataset, GPTDatasetConfig

    count = tokens // sequence
    with tempfile.TemporaryDirectory() as cache:
        config = GPTDatasetConfig(random_seed=1, sequence_length=sequence, blend=blend, split="100,0,0", tokenizer=Words(),
                                  path_to_cache=cache, reset_position_ids=False, reset_attention_mask=False, eod_mask_loss=False,
                                  create_attention_mask=False, mid_level_dataset_surplus=0.005)
        data = BlendedMegatronDatasetBuilder(GPTDataset, [count, 0, 0], lambda: True, config).build()[0]
        return marks(data[row]["tokens"][0] for row in range(count)), {}


def draw_megatron(file, sequence, tokens, folder):
    from megatron.core.datasets.utils import get_blend_from_list

    # As Megatron-LM and Megatron Bridge read --data-args-path.
    return megatron_rows(get_blend_from_list(Path(file).read_text().split()), sequence, tokens)


def draw_megatron_bridge(file, sequence, tokens, folder):
    return megatron_rows(module(file).BLEND, sequence, tokens)


def draw_torchtitan(file, sequence, tokens, folder):
    from torchtitan.components.tokenizer import HuggingFaceTokenizer

    tokenizer = HuggingFaceTokenizer(HuggingFaceTokenizer.Config(), tokenizer_path=f"{folder}/tokenizer")
    config = module(file).dataloader()
    loader = config.build(dp_world_size=1, dp_rank=0, tokenizer=tokenizer, seq_len=sequence, local_batch_size=4)
    return until((batch["input"] for batch, _ in loader), tokens // sequence, lambda row: row.max()), {}


def draw_grain(file, sequence, tokens, folder):
    data = module(file).mixture(sequence)
    return marks(data[index][0] for index in range(len(data))), dict(length=len(data))


def draw_fairseq2(file, sequence, tokens, folder):
    return marks(row[0] for row in module(file).mixture(sequence)), {}


PACKAGES = ["ai2-olmo-core", "datasets", "fairseq2", "grain", "litdata", "litgpt", "llm-foundry", "marin-levanter", "megatron-core"]
PACKAGES += ["mosaicml-streaming", "torch", "torchtitan"]


def versions():
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:
            pass
    return found


def drawn(draw, file, sequence, tokens, folder):
    start = time.time()
    try:
        rows, facts = draw(file, sequence, tokens, folder)
    except Exception as error:
        traceback.print_exc()
        return dict(error=f"{type(error).__name__}: {error}")
    return dict(drawn=rows, facts=facts, seconds=time.time() - start, versions=versions())


def step(command, what, jobs):
    work = globals()[f"{command}_{what.replace('-', '_')}"]
    if command == "draw":
        return [drawn(work, *job) for job in jobs]
    try:
        for job in jobs:
            work(*job)
    except Exception as error:
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"


def main():
    # Packages print to the standard output.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(step(*json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
