"""Writes small files in Megatron's format, the same every time: a .bin file of tokens and the .idx file that describes it."""

import pathlib
import random
import struct

# Tokens of each file: one domain has two files of unequal size.
FILES = {"web-0": 270_000, "web-1": 30_000, "code-0": 120_000, "math-0": 20_000}
UINT16 = 8  # Megatron's number for this type


def main():
    folder = pathlib.Path(__file__).parent / "data"
    folder.mkdir(exist_ok=True)
    for seed, (name, tokens) in enumerate(FILES.items()):
        rng = random.Random(seed)
        lengths = []
        while sum(lengths) < tokens:
            lengths.append(min(rng.randrange(50, 500), tokens - sum(lengths)))
        values = [rng.randrange(256) for _ in range(tokens)]
        (folder / f"{name}.bin").write_bytes(struct.pack(f"<{tokens}H", *values))
        pointers = [2 * sum(lengths[:i]) for i in range(len(lengths))]
        documents = list(range(len(lengths) + 1))
        index = b"MMIDIDX\x00\x00" + struct.pack("<QBQQ", 1, UINT16, len(lengths), len(documents))
        index += struct.pack(f"<{len(lengths)}i", *lengths)
        index += struct.pack(f"<{len(pointers)}q", *pointers)
        index += struct.pack(f"<{len(documents)}q", *documents)
        (folder / f"{name}.idx").write_bytes(index)


if __name__ == "__main__":
    main()
