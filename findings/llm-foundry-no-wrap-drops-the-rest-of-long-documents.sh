#!/usr/bin/env bash
# llm-foundry 0.22.0: `--no-wrap` throws away what does not fit: of long documents nearly everything.
#
# Guess: "Do not wrap text across max_length boundaries" begins each document with a new sequence and fills up the last one,
#   or moves a document that does not fit to the next sequence. A long document gives several sequences. No text is lost.
# Seen: documents are joined as without the option, sequences still end in the middle of one, and what is left of it is dropped.
#   With sequences of 1,024 tokens, documents of 600 keep 85 % of their tokens, documents of 30,000 keep 3 %: of each book its
#   first 1,024. Two domains of 600,000 tokens each become 512,000 and 20,480. No message; the count is
#   only in index.json, in sequences.
# Why it matters: two domains of equal size leave the converter as 96 % and 4 %, and it is the domain of long texts that goes. Mixed by
#   proportions afterwards, the shares are right again and the repetitions are not: a cap of four epochs, computed from the sizes of
#   the texts, is 117 epochs of what is left of the books, all of them beginnings.
# Where: llmfoundry/data/data.py, ConcatTokensDataset.__iter__ sets its buffer to [] after each sequence if should_wrap is false;
#   convert_text_to_mds.py does the same, once for every million characters that it reads of a file.
# Downloads torch (its GPU libraries included; from an index of CPU wheels, set in PIP_INDEX_URL, much less).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
# The versions after the first line spare pip a search of a quarter of an hour.
"$work/venv/bin/pip" install --quiet --disable-pip-version-check llm-foundry==0.22.0 "setuptools<80" torch==2.7.0 numpy==2.1.3 \
  datasets==3.6.0 transformers==4.51.3 huggingface-hub==0.33.5 fsspec==2023.6.0 protobuf==5.29.6 gql==3.5.3 mosaicml-cli==0.7.5 \
  google-api-core==2.33.0 googleapis-common-protos==1.75.0 google-cloud-storage==2.10.0
export HF_HOME="$work/hf" HF_HUB_OFFLINE=1
cd "$work"
cat > check.py <<'EOF'
import json
from importlib.metadata import version

from llmfoundry.command_utils.data_prep.convert_dataset_json import convert_dataset_json
from streaming import StreamingDataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

LENGTH = 1024
SOURCES = {"web": (1000, 600), "books": (20, 30_000)}
words = {"<eos>": 0, "<unk>": 1} | {f"w{word}": word + 2 for word in range(100)}
tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<eos>").save_pretrained("tokenizer")
kept = {}
for name, (documents, length) in SOURCES.items():
    with open(f"{name}.jsonl", "w") as out:
        for document in range(documents):
            text = " ".join(f"w{(document + word) % 100}" for word in range(length))
            out.write(json.dumps({"text": text}) + "\n")
    for no_wrap in (False, True):
        folder = f"{name}-{no_wrap}"
        convert_dataset_json(f"{name}.jsonl", folder, None, LENGTH, "train", "tokenizer", eos_text="<eos>", no_wrap=no_wrap)
        index = json.load(open(f"{folder}/index.json"))
        kept[name, no_wrap] = sum(shard["samples"] for shard in index["shards"]) * LENGTH
first = StreamingDataset(local="web-True", batch_size=1)[0]["tokens"].tolist()
print("llm-foundry", version("llm-foundry"))
for (name, no_wrap), tokens in kept.items():
    documents, length = SOURCES[name]
    print(f"{name}, no_wrap={no_wrap}: {tokens:,} of {documents * (length + 1):,} tokens kept")
print(f"a sequence with no_wrap: a document's end at {first.index(0)}, then {LENGTH - 1 - first.index(0)} tokens of the next")
assert kept["web", False] > 599_000, "text is lost with wrapping, too"
assert kept["books", False] > 599_000, "text is lost with wrapping, too"
assert kept["web", True] == 500 * LENGTH, "documents of 600 tokens are cut in another way"
assert kept["books", True] == 20 * LENGTH, "long documents are kept now"
assert first.index(0) == 600, "sequences are no longer made of several documents"
share = kept["web", True] / (kept["web", True] + kept["books", True])
print(f"as recorded: half and half become {share:.0%} and {1 - share:.0%}")
EOF
"$work/venv/bin/python" check.py 2> stderr.txt | grep -v "MDS format\|progress bar\|below 100%" || { tail -n 20 stderr.txt >&2; exit 1; }
