"""tokenizer.json of the final model."""

import json
import shutil

from .failure import BadInput

END_OF_TEXT = "<|endoftext|>"


def source(plan):
    """The file to copy; none for bytes whose file is not in the run's folder."""
    beside = plan.folder / "tokenizer.json"
    named = plan.folder / plan.tokenizer
    if plan.tokenizer != "bytes" and named.is_file():
        return named
    if beside.is_file():
        return beside
    if plan.tokenizer == "bytes":
        return None
    raise BadInput(f"{named}, the tokenizer of the run, is missing: restore it, or put it at {beside}")


def write(plan, folder):
    """Copies the tokenizer, or writes that of bytes, and says how `transformers` opens it."""
    file, path = source(plan), folder / "tokenizer.json"
    if file is not None:
        shutil.copyfile(file, path)
    else:
        path.write_text(json.dumps(byte_tokenizer(), ensure_ascii=False), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(opened(plan, path), indent=2) + "\n", encoding="utf-8")


def opened(plan, path):
    """tokenizer_config.json: tokenizer.json as it is, and the token that begins and ends a text, which it does not name."""
    end = None
    if plan.end_of_text is not None:
        tokenizer = json.loads(path.read_text(encoding="utf-8"))
        added = {token["id"]: token["content"] for token in tokenizer.get("added_tokens") or []}
        vocabulary = tokenizer["model"]["vocab"]
        if isinstance(vocabulary, dict):
            names = {number: token for token, number in vocabulary.items()}
        else:
            names = {number: piece[0] for number, piece in enumerate(vocabulary)}
        end = (names | added).get(plan.end_of_text)
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": plan.model.context,
        "clean_up_tokenization_spaces": False,
        "bos_token": end,
        "eos_token": end,
    }


def byte_tokenizer():
    """A byte-level BPE without merges: a byte's id is its value, the end of a text is 256."""
    # Byte-level tokenizers write a byte as a character: printable ones as they are, the others from U+0100 on.
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = [byte for byte in range(256) if byte not in printable]
    characters = [chr(byte) if byte in printable else chr(256 + hidden.index(byte)) for byte in range(256)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    end = {"id": 256, "content": END_OF_TEXT, "single_word": False, "lstrip": False, "rstrip": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{**end, "normalized": False, "special": True}],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {**{character: byte for byte, character in enumerate(characters)}, END_OF_TEXT: 256},
            "merges": [],
        },
    }
