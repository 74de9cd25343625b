import hashlib
from pathlib import Path

import numpy as np
import pytest
from conftest import edit_plan, make_run

from olmix_torch import plan as plans
from olmix_torch.data import Sequences
from olmix_torch.failure import BadInput


def test_every_step_takes_its_records_of_the_index_across_shards(tmp_path):
    tokens, records = make_run(tmp_path / "run")
    sequences = Sequences(plans.load(tmp_path / "run"))
    for step in range(40):
        batch = sequences.read(step)
        assert batch.shape == (8, 17) and batch.dtype == np.int64
        for row, (leaf, start) in zip(batch, records[step * 8 : step * 8 + 8].tolist()):
            assert (row == tokens[leaf][start : start + 17]).all()
    spanning = [r for r in records if r["start"] < 700 < r["start"] + 17 and r["start"] + 17 > 705]
    assert spanning, "the fixture has windows over three shards"


def test_big_endian_shards_are_read_by_their_order(tmp_path):
    make_run(tmp_path / "run")
    expected = Sequences(plans.load(tmp_path / "run")).read(3)

    def swap(plan):
        for leaf in plan["data"]["leaves"]:
            for shard in leaf["shards"]:
                raw = open(shard["path"], "rb").read()
                tokens = np.frombuffer(raw, f"<u{shard['width']}", offset=shard["offset"])
                with open(shard["path"], "wb") as file:
                    file.write(raw[: shard["offset"]] + tokens.astype(f">u{shard['width']}").tobytes())
                shard["big_endian"] = True

    edit_plan(tmp_path / "run", swap)
    assert (Sequences(plans.load(tmp_path / "run")).read(3) == expected).all()


def test_processes_take_parts_of_the_batch_that_make_up_the_whole(tmp_path):
    make_run(tmp_path / "run")
    sequences = Sequences(plans.load(tmp_path / "run"))
    parts = [sequences.read(5, slice(first, first + 2)) for first in (0, 2, 4, 6)]
    assert (np.concatenate(parts) == sequences.read(5)).all()


def test_the_last_window_of_a_leaf_is_read_and_the_one_after_it_refused(tmp_path):
    tokens, records = make_run(tmp_path / "run")
    records["start"][11] = len(tokens[0]) - 17
    (tmp_path / "run" / "sequences.bin").write_bytes(records.tobytes())
    sequences = Sequences(plans.load(tmp_path / "run"))
    assert (sequences.read(1)[3] == tokens[records["leaf"][11]][-17:]).all()
    for start in (len(tokens[0]) - 16, 2**64 - 1):
        records["start"][11] = start
        (tmp_path / "run" / "sequences.bin").write_bytes(records.tobytes())
        with pytest.raises(BadInput, match=r"sequence 11 takes 17 tokens from token"):
            Sequences(plans.load(tmp_path / "run"))


def test_tokens_of_a_block_with_a_flipped_bit_are_refused_and_those_of_other_blocks_are_read(tmp_path):
    make_run(tmp_path / "run", shard_tokens=(9000, 5, 900))
    run = tmp_path / "run"

    def add_sums(plan):
        for leaf in plan["data"]["leaves"]:
            for shard in leaf["shards"]:
                raw = Path(shard["path"]).read_bytes()
                shard["sums"] = shard["path"].replace(".bin", ".sums")
                blocks = (raw[at : at + 4096] for at in range(0, len(raw), 4096))
                Path(shard["sums"]).write_bytes(b"".join(hashlib.sha256(block).digest()[:8] for block in blocks))

    edit_plan(run, add_sums)
    leaf = Sequences(plans.load(run)).leaves[0]
    out = np.empty(17, "i8")
    # Bytes 4,096 to 8,191 of the first shard are its tokens 2,048 to 4,095.
    places = (0, 2040, 2048, 4090, 4096, 8990)
    whole = {start: leaf.read(start, out) or out.copy() for start in places}
    raw = bytearray(Path(leaf.paths[0]).read_bytes())
    raw[5000] ^= 1
    Path(leaf.paths[0]).write_bytes(raw)
    leaf = Sequences(plans.load(run)).leaves[0]
    for start in places:
        if start in (2040, 2048, 4090):
            with pytest.raises(BadInput, match=r"00000.bin \(leaf web\) is damaged: the checksum of its block 1 "):
                leaf.read(start, out)
        else:
            leaf.read(start, out)
            assert (out == whole[start]).all()
    Path(leaf.paths[0].replace(".bin", ".sums")).write_bytes(b"12345678")
    with pytest.raises(BadInput, match="holds 8 bytes, and the checksums of its shard take 40"):
        Sequences(plans.load(run))


def test_an_id_outside_the_vocabulary_is_named_with_its_place(tmp_path):
    tokens, records = make_run(tmp_path / "run")
    leaf, start = records[9]
    shard = plans.load(tmp_path / "run").leaves[leaf].shards[0]
    records["start"][9] = 20
    (tmp_path / "run" / "sequences.bin").write_bytes(records.tobytes())
    with open(shard.path, "r+b") as file:
        file.seek(shard.offset + 25 * shard.width)
        file.write((61).to_bytes(shard.width, "little"))
    with pytest.raises(BadInput, match=r"00000.bin \(leaf \w+\), token 25: id 61 is outside the vocabulary of 61"):
        Sequences(plans.load(tmp_path / "run")).read(1)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda p: p["recipe"].pop("steps"), "recipe.steps is missing"),
        (lambda p: p["recipe"].update(clip=0), "recipe.clip is 0.0; it must be above 0"),
        (lambda p: p["recipe"].update(steps=1.5), "recipe.steps is 1.5, no int"),
        (lambda p: p["model"].update(heads=5), "model.width of 32 in 5 heads"),
        (lambda p: p.update(version=3), "version is 3, this trainer reads 2"),
        (lambda p: p.update(start=dict(folder="/x", step=99, weights_sha256="")), "start.step is 99 of"),
        (lambda p: p.update(format="olmix shards"), "is this the folder of a run"),
        (lambda p: p["data"]["leaves"][1]["shards"][0].update(width=3), "hold a shard"),
        (lambda p: p["data"].update(end_of_text=61), "outside the vocabulary"),
    ],
)
def test_what_is_wrong_in_a_plan_is_named(tmp_path, change, message):
    make_run(tmp_path / "run")
    edit_plan(tmp_path / "run", change)
    with pytest.raises(BadInput, match=message):
        plans.load(tmp_path / "run")


def test_the_rate_warms_up_stays_and_goes_to_zero(tmp_path):
    make_run(tmp_path / "run")
    recipe = plans.load(tmp_path / "run").recipe
    rates = [recipe.learning_rate_at(step) / 0.01 for step in range(40)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[4:31] == [1.0] * 27
    assert rates[31:] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
