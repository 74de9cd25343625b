"""The page docs/comparison/exports.md, from what exports.py found."""

TINY, SEQUENCE = 0.0003, 128

LIMITS = """## What a trainer does that an export can't change

- **No cap.** Megatron, litgpt, torchtitan, grain, fairseq2, nanotron and Levanter begin a domain again when it ends. Caps hold
  because the run ends where the mixture says: another number of tokens is another number of passes.
- **litgpt and torchtitan** draw every sequence at random, and every rank and worker draws the same: of n sequences of one worker a
  share w is off by some √(w(1−w)/n). litdata reads one token more than a sequence, so passes are 129/128 of the epochs here.
- **torchtitan** must stay at `num_workers` 0: each worker reads every document
  ([finding](../../findings/torchtitan-every-worker-reads-everything.sh)).
- **huggingface, streaming, llm-foundry** mix rows. Shares of tokens are the mixture's where rows have as many tokens each.
- **levanter** repeats a block of at most 65,535 sequences: `olmix export` refuses a weight below half of 1/65535.
  The folders of its cache are named after the domains, and with a backslash in a name it does not find its own files again:
  `olmix export` refuses such a name, and "odd names" are without it here.
- **olmo-core** (the older source mixture) needs a number of tokens that is a multiple of the global batch. Both forms read whole
  sequences of a file, and leave out the end of each file.
- **megatron** has no room for a comment in its line, and cuts it at white space. `--split` must be `100,0,0`: with another, the
  end of every file is kept for validation, and the rest is seen more often. Megatron Bridge itself was not run: release 0.6.2 does
  not import without Transformer Engine, which needs CUDA. Its list is read by the class of megatron-core that it fills.
- **nanotron** was not run: the release on PyPI (0.4) reads no weights of token files; they are in the repository only.
"""


def cell(outcome, of):
    return "no: " + "; ".join(wrong.split(": ")[0] for wrong in outcome[1]) if outcome[1] else of(outcome)


def line(name, how, outcomes):
    if isinstance(outcomes, str):
        return f"| `{name}` | {how.package} | not run: {outcomes} | | | | | | {how.unit} |"
    sample, small, odd = outcomes
    package = f"{how.package} {sample[4].get(how.package, '')}".strip()
    shares = " / ".join(f"{sample[2].get(d, 0):.5f}" for d in ("web", "code", "math", "books")) if sample[2] else ""
    tiny = f"{sample[2].get('tiny', 0):.6f}" if sample[2] else ""
    web = " / ".join(f"{sample[3].get(('web', k), 0):.3f}" for k in (0, 1)) if sample[3] else ""
    math_ = f"{sample[3].get(('math', 0), 0):.3f}" if sample[3] else ""
    two = " / ".join(f"{small[3].get(('web', k), 0):.3f}" for k in (0, 1)) if small[3] else ""
    loads = cell(sample, lambda _: "yes")
    return (f"| `{name}` | {package} | {loads} | {shares} | {tiny} | {math_} | {web} | {cell(small, lambda _: two)} "
            f"| {cell(odd, lambda _: 'yes')} | {how.unit} |")


def page(results):
    text = f"""# Exports, loaded and drawn by their trainers

`python3 scripts/compare/exports.py --olmix target/release/olmix --envs target/tmp/exports`: a mixture is exported by `olmix export`,
loaded by the trainer's package, and drawn to the end of the run: 4,000,000 tokens in sequences of {SEQUENCE} ({4_000_000 // SEQUENCE:,} of them).

The mixture asks for web 0.5, code 0.2497, math 0.2, books 0.05, tiny {TINY} and nothing of a sixth domain, with a cap of 4 epochs, which
math needs. web has two files (2.7M and 0.3M tokens; 0.667 epochs), code three. "Small file": another mixture of 2,000,000 tokens, web 0.9
in files of 2.7M and 50,000 tokens, at a cap of 1 epoch: both are due for 0.655. "Odd names": domains and folders with quotes, `#`, `$c`,
`%s` and spaces, and a domain's name with braces and a backslash. A row says "yes" where every domain and every file is drawn within the
trainer's unit (five standard deviations, where draws are random), and no file past its cap by more.

| export | package | as asked | drawn: web / code / math / books | tiny | passes of math | of web's files | small file: web's files | odd names | unit |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
    text += "\n".join(line(name, how, outcomes) for name, how, outcomes in results) + "\n\n"
    return text + LIMITS
