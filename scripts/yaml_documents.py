"""YAML documents and what PyYAML makes of them, one JSON object a line: for tests of olmix's own reading.

    yaml_documents.py --count 500 --seed 0      documents in random styles, half of them mutated
    yaml_documents.py FOLDER …                  every .yaml and .yml file below the folders

Only documents that PyYAML reads as a mapping without repeated keys are printed: {"name", "text", "root"}. A
node is {"kind": "map", "entries": [[key, node], …]}, {"kind": "list", "items": […]} or {"kind": "str" | "null"
| "bool" | "int" | "float", "text", "value"}, with "at": [line, column] from 1 where it begins: of a text behind `|` or `>`, null.
"""

import argparse
import json
import math
import random
import sys
from pathlib import Path

import yaml

WORDS = ["code", "web:science", "stack-edu:C++", "a b", "it's", "x#y", "no", "yes", "1e3", "0.25", "1_000", "-3",
         "~", "null", "http://a.b/c", "é", "*.npy", "s3://b/**/*.npy", "mmlu_anatomy:rc::olmes", "7/52.0", "", "-",
         "eval/downstream/x (BPB v2)", "1.0e-06", "600_000_000_000", "true", "Off", "2024-01-02", "[x]", "a, b"]
KEYS = ["name", "dclm:code", "mix", "weight", "priors", "a b", "x-y", "drop_metrics", "k1", "k2", "k3", "é", "7"]


def plain_ok(text, flow):
    try:
        node = yaml.compose(f"[{text}]" if flow else f"k: {text}")
        inner = node.value[0] if flow else node.value[0][1]
    except (yaml.YAMLError, IndexError):
        return False
    return isinstance(inner, yaml.ScalarNode) and inner.value == text and inner.style is None


class Writer:
    """Writes random trees in random styles."""

    def __init__(self, rng):
        self.rng = rng
        self.anchors = []

    def scalar(self, text, flow):
        rng = self.rng
        styles = ["single", "double"] + ["plain"] * 4 * plain_ok(text, flow)
        style = rng.choice(styles)
        if style == "plain":
            return text
        if style == "single":
            return "'" + text.replace("'", "''") + "'"
        return json.dumps(text, ensure_ascii=rng.random() < 0.5)

    def tree(self, depth):
        rng = self.rng
        roll = rng.random()
        if depth == 0 or roll < 0.4:
            return rng.choice(WORDS)
        if roll < 0.7:
            return [self.tree(depth - 1) for _ in range(rng.randrange(4))]
        keys = rng.sample(KEYS, rng.randrange(4))
        return {key: self.tree(depth - 1) for key in keys}

    def gap(self):
        """White space between tokens of a flow collection, which may be anything."""
        rng = self.rng
        roll = rng.random()
        if roll < 0.5:
            return rng.choice(["", " ", "  "])
        comment = rng.choice(["", "", " # c", " # it's [a", "\n# c"])
        return comment + "\n" + " " * rng.choice([0, 0, 1, 2, 4, 6])

    def flow(self, tree):
        rng = self.rng
        if isinstance(tree, str):
            return self.scalar(tree, True)
        if isinstance(tree, list):
            parts = [self.flow(item) for item in tree]
            opening, closing = "[", "]"
        else:
            parts = [f"{self.scalar(k, True)}: {self.flow(v)}" for k, v in tree.items()]
            opening, closing = "{", "}"
        text = opening
        for i, part in enumerate(parts):
            last = i + 1 == len(parts)
            text += self.gap() + part + self.gap() + ("," if not last or rng.random() < 0.3 else "")
        return text + self.gap() + closing

    def end(self):
        return self.rng.choice(["\n"] * 6 + [" # c\n", "  \n", "\n\n", "\n# c\n"])

    def block(self, tree, indent):
        rng = self.rng
        pad = " " * indent
        out = ""
        entries = tree.items() if isinstance(tree, dict) else [(None, item) for item in tree]
        for key, value in entries:
            head = pad + ("-" if key is None else self.scalar(key, False) + rng.choice(["", " "]) + ":")
            deeper = indent + rng.choice([1, 2, 2, 4])
            if value and not isinstance(value, str) and rng.random() < 0.6:
                if isinstance(value, list) and key is not None and rng.random() < 0.4:
                    deeper = indent
                if key is None and rng.random() < 0.5:
                    # The first entry on the line of the dash.
                    inner = self.block(value, indent + 2)
                    out += head + " " + inner[indent + 2:]
                    continue
                out += head + self.end() + self.block(value, deeper)
            elif isinstance(value, str):
                out += head + self.text(value, indent)
            else:
                anchor = ""
                if rng.random() < 0.1:
                    self.anchors.append(f"a{len(self.anchors)}")
                    anchor = f"&{self.anchors[-1]} "
                out += head + " " + anchor + self.flow(value) + self.end()
        return out

    def text(self, value, indent):
        rng = self.rng
        roll = rng.random()
        pad = " " * (indent + rng.choice([1, 2, 3]))
        if roll < 0.05 and self.anchors:
            return f" *{rng.choice(self.anchors)}" + self.end()
        if roll < 0.12:
            mark = rng.choice("|>") + rng.choice(["", "-", "+"])
            lines = [value or "x"] + rng.sample(["", "  more", "last [", "# no comment", "key: v"], rng.randrange(3))
            lines[0] = lines[0].strip() or "x"
            return f" {mark}\n" + "".join(pad + line.rstrip() + "\n" for line in lines)
        if roll < 0.2 and value.strip():
            quote = rng.choice("'\"")
            word = value.replace("'", "").replace('"', "")
            return f" {quote}{word}\n{' ' * rng.choice([0, 1, 4])}and\n\n  more{quote}" + self.end()
        if roll < 0.26 and plain_ok(value, False) and value.strip("~"):
            return f" {value}\n{pad} goes on [here" + self.end()
        return " " + self.scalar(value, False) + self.end()


def document(rng):
    writer = Writer(rng)
    keys = rng.sample(KEYS, rng.randrange(1, 6))
    tree = {key: writer.tree(3) for key in keys}
    roll = rng.random()
    if roll < 0.15:
        data = {k: v for k, v in tree.items()}
        return yaml.dump(data, default_flow_style=rng.choice([None, True, False]), width=rng.choice([20, 40, 80]),
                         indent=rng.choice([2, 4]), allow_unicode=rng.random() < 0.5,
                         default_style=rng.choice([None, None, '"', "'"]), explicit_start=rng.random() < 0.3)
    if roll < 0.25:
        return writer.flow(tree) + "\n"
    if roll < 0.3:
        return json.dumps(tree, indent=rng.choice([None, 1, 4]))
    head = rng.choice(["", "", "", "# c\n", "---\n", "%YAML 1.1\n---\n"])
    return head + writer.block(tree, 0)


def mutated(rng, text):
    """The text with a few characters changed, where indentation and brackets matter most."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        roll = rng.random()
        if roll < 0.5:
            text = text[:at] + rng.choice([" ", "\n", "\n  ", "#", " #", ":", ": ", ",", "[", "]", "{", "}", "'", '"', "- ",
                                           "\\", "|", ">", "&a ", "*a ", "? "]) + text[at:]
        elif roll < 0.8:
            text = text[:at] + text[at + rng.choice([1, 1, 2, 3]):]
        else:
            lines = text.split("\n")
            i = rng.randrange(len(lines))
            lines[i] = " " * rng.randrange(5) + lines[i].lstrip(" ")
            text = "\n".join(lines)
    return text


class Repeated(Exception):
    """A key stands twice, or a node inside itself."""


def tree_of(node, constructor, above=()):
    at = [node.start_mark.line + 1, node.start_mark.column + 1]
    if id(node) in above:
        raise Repeated
    above = (*above, id(node))
    if isinstance(node, yaml.SequenceNode):
        return {"kind": "list", "at": at, "items": [tree_of(item, constructor, above) for item in node.value]}
    if isinstance(node, yaml.MappingNode):
        own = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if len({str(key) for key in own}) < len(own) or any(not isinstance(key, str) for key in own) or "" in own:
            raise Repeated
        constructor.flatten_mapping(node)
        entries = {key.value: tree_of(value, constructor, above) for key, value in node.value}
        return {"kind": "map", "at": at, "entries": list(entries.items())}
    value = constructor.construct_object(node)
    kind = {str: "str", type(None): "null", bool: "bool", int: "int", float: "float"}.get(type(value), "str")
    if kind == "float" and not math.isfinite(value) or kind == "str":
        value = None
    if node.style in ("|", ">"):
        at = None
    return {"kind": kind, "at": at, "text": node.value, "value": value}


def read(text):
    """What PyYAML reads; None where it reads no mapping, or one with repeated keys."""
    if text.rsplit("\n", 1)[-1].isspace():
        # PyYAML takes spaces behind the last line end for a line of a text above.
        return None
    try:
        yaml.safe_load(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            return None
        return tree_of(node, yaml.constructor.SafeConstructor())
    except (yaml.YAMLError, Repeated, ValueError, RecursionError, TypeError, AttributeError, KeyError):
        return None


def emit(name, text):
    root = read(text)
    if root is not None:
        json.dump({"name": name, "text": text, "root": root}, sys.stdout)
        sys.stdout.write("\n")
    return root is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for folder in args.folders:
        for path in sorted(p for p in folder.rglob("*") if p.suffix in (".yaml", ".yml")):
            if not emit(str(path), path.read_text(encoding="utf-8", errors="replace")):
                print(f"{path}: not a mapping to PyYAML", file=sys.stderr)
    rng = random.Random(args.seed)
    written = 0
    while written < args.count:
        text = document(rng)
        written += emit(f"generated {written}", text)
        # Of mutations, those that PyYAML still reads.
        changed = mutated(rng, text)
        written += emit(f"mutated {written}", changed)


if __name__ == "__main__":
    main()
