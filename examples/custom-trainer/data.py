"""Writes the example's data: three domains of text and a held-out part of each, the same every time."""

import pathlib
import random

WORDS = "the a one of in on and with old new red small river house stone light bird road saw found kept".split()


def arithmetic(rng):
    a, b = rng.randrange(100), rng.randrange(100)
    return f"{a}+{b}={a + b}\n"


def prose(rng):
    return " ".join(rng.choice(WORDS) for _ in range(8)) + ".\n"


def noise(rng):
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz0123456789 ") for _ in range(40)) + "\n"


def main():
    folder = pathlib.Path(__file__).parent / "data"
    folder.mkdir(exist_ok=True)
    for seed, domain in enumerate([arithmetic, prose, noise]):
        rng = random.Random(seed)
        for part, lines in [("", 4000), (".heldout", 200)]:
            text = "".join(domain(rng) for _ in range(lines))
            (folder / f"{domain.__name__}{part}.txt").write_text(text)


if __name__ == "__main__":
    main()
