"""From the index of sequences to batches: step s of a run takes records s·B to (s+1)·B."""

import hashlib
from bisect import bisect_right
from pathlib import Path

import numpy as np

from .failure import BadInput

# A record of sequences.bin: the leaf, and the leaf's token at which the sequence starts.
RECORD = np.dtype([("leaf", "<u4"), ("start", "<u8")])
CHECKED_AT_ONCE = 1 << 20
# `olmix tokenize` writes the first eight bytes of SHA-256 of each 4,096 bytes of a shard.
BLOCK, SUM = 4096, 8


class Sums:
    """The bytes of a shard and the checksums of its blocks, memory-mapped."""

    def __init__(self, leaf, shard, size):
        self.name = f"{shard.path} (leaf {leaf.name})"
        self.offset, self.width = shard.offset, shard.width
        self.bytes = np.memmap(shard.path, "u1", "r", shape=(size,))
        found, needed = Path(shard.sums).stat().st_size, -(-size // BLOCK) * SUM
        if found != needed:
            raise BadInput(
                f"{shard.sums} holds {found:,} bytes, and the checksums of its shard take {needed:,}: "
                "restore it, or run the same `olmix tokenize` again"
            )
        self.sums = np.memmap(shard.sums, "u1", "r", shape=(needed,))

    def check(self, start, count):
        """Refuses tokens that are not what they were when the shard was written."""
        begin = self.offset + start * self.width
        end = begin + count * self.width
        for block in range(begin // BLOCK, -(-end // BLOCK)):
            sum = hashlib.sha256(self.bytes[block * BLOCK : (block + 1) * BLOCK]).digest()[:SUM]
            if sum != self.sums[block * SUM : (block + 1) * SUM].tobytes():
                raise BadInput(
                    f"{self.name} is damaged: the checksum of its block {block:,} is not the one in its .sums; "
                    "restore both from a copy, or run the same `olmix tokenize` again, and check the disk"
                )


class LeafTokens:
    """The shards of a leaf as one row of tokens, memory-mapped."""

    def __init__(self, leaf):
        self.name = leaf.name
        self.paths, self.parts, self.sums, self.starts, self.tokens = [], [], [], [], 0
        for shard in leaf.shards:
            if shard.tokens == 0:
                continue
            try:
                size = Path(shard.path).stat().st_size
                needed = shard.offset + shard.width * shard.tokens
                if size < needed:
                    raise BadInput(
                        f"{shard.path} (leaf {leaf.name}) holds {size:,} bytes, {needed:,} when the run was prepared: "
                        "it shrank; restore it, or delete the run's folder and prepare it anew"
                    )
                part = np.memmap(shard.path, f"{'>' if shard.big_endian else '<'}u{shard.width}", "r", shard.offset, (shard.tokens,))
                sums = Sums(leaf, shard, size) if shard.sums else None
            except OSError as error:
                raise BadInput(f"cannot read {shard.path} (leaf {leaf.name}): {error.strerror}") from error
            self.paths.append(shard.path)
            self.parts.append(part)
            self.sums.append(sums)
            self.starts.append(self.tokens)
            self.tokens += shard.tokens

    def read(self, start, out):
        """Fills `out` with the tokens from `start` on; they may lie in several shards."""
        part, filled = bisect_right(self.starts, start) - 1, 0
        while filled < len(out):
            at = start + filled - self.starts[part]
            piece = self.parts[part][at : at + len(out) - filled]
            if self.sums[part] is not None:
                self.sums[part].check(at, len(piece))
            out[filled : filled + len(piece)] = piece
            filled += len(piece)
            part += 1

    def place(self, token):
        """File and position of a token of the leaf."""
        part = bisect_right(self.starts, token) - 1
        return f"{self.paths[part]} (leaf {self.name}), token {token - self.starts[part]:,}"


class Sequences:
    """The sequences of a run in the order of training."""

    def __init__(self, plan):
        self.length = plan.model.context + 1
        self.batch = plan.recipe.batch
        self.vocab = plan.model.vocab
        self.leaves = [LeafTokens(leaf) for leaf in plan.leaves]
        file, needed = plan.sequences, plan.recipe.steps * plan.recipe.batch
        try:
            size = file.stat().st_size
            if size % RECORD.itemsize or size // RECORD.itemsize < needed:
                raise BadInput(
                    f"{file} holds {size:,} bytes, no {needed:,} records of {RECORD.itemsize} bytes: "
                    "it is of another run, or was cut off; delete the run's folder and prepare it anew"
                )
            self.records = np.memmap(file, RECORD, "r", shape=(needed,))
        except OSError as error:
            raise BadInput(f"cannot read {file}: {error.strerror}") from error
        self._check(file)

    def _check(self, file):
        """Every window lies within its leaf; better said now than in the middle of the run."""
        tokens = np.array([leaf.tokens for leaf in self.leaves], "<u8")
        for first in range(0, len(self.records), CHECKED_AT_ONCE):
            records = self.records[first : first + CHECKED_AT_ONCE]
            known = records["leaf"] < len(tokens)
            room = tokens[np.where(known, records["leaf"], 0)] if len(tokens) else np.zeros(len(records), "<u8")
            # Written so that no sum or difference of the unsigned numbers can wrap.
            fits = known & (room >= self.length) & (records["start"] <= np.maximum(room, self.length) - self.length)
            if not fits.all():
                at = int(np.argmin(fits))
                leaf, start = (int(value) for value in records[at])
                name = self.leaves[leaf].name if leaf < len(self.leaves) else f"number {leaf}"
                raise BadInput(
                    f"{file}: sequence {first + at:,} takes {self.length:,} tokens from token {start:,} of leaf {name}, "
                    "which has no such tokens: it is of another run; delete the run's folder and prepare it anew"
                )

    def read(self, step, rows=None):
        """Tokens of step `step`, of its sequences `rows` (a slice): int64, sequences × (T + 1)."""
        records = self.records[step * self.batch : (step + 1) * self.batch][rows or slice(None)]
        out = np.empty((len(records), self.length), "i8")
        for row, record in zip(out, records):
            self.leaves[record["leaf"]].read(int(record["start"]), row)
        wrong = (out < 0) | (out >= self.vocab)
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            place = self.leaves[records[row]["leaf"]].place(int(records[row]["start"]) + column)
            raise BadInput(
                f"{place}: id {out[row, column]} is outside the vocabulary of {self.vocab}: "
                "the shard was made with another tokenizer, or is damaged; tokenize it anew"
            )
        return out
