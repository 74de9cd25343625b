"""What a run says while it goes: metrics.jsonl, and a line on a terminal."""

import json
import os
import sys
import time


class Metrics:
    """RUN/metrics.jsonl, cut back to the step that a run goes on from."""

    def __init__(self, path, step):
        self.path = path
        kept = 0
        if path.exists():
            for line in path.read_bytes().splitlines(keepends=True):
                try:
                    whole = line.endswith(b"\n") and json.loads(line)["step"] <= step
                except (ValueError, KeyError, TypeError):
                    whole = False
                if not whole:
                    break
                kept += len(line)
        self.file = open(path, "ab")
        self.file.truncate(kept)

    def write(self, **values):
        self.file.write(json.dumps(values).encode() + b"\n")
        self.file.flush()

    def sync(self):
        """No checkpoint is to outlive the lines before it."""
        os.fsync(self.file.fileno())

    def close(self):
        self.file.close()


class Progress:
    """A line that is written over, on a terminal only."""

    def __init__(self, steps, start):
        self.steps, self.start, self.began = steps, start, time.monotonic()
        self.shown = 0.0
        self.terminal = sys.stderr.isatty()

    def show(self, step, loss, batch_tokens):
        now = time.monotonic()
        if not self.terminal or (now - self.shown < 0.2 and step < self.steps):
            return
        self.shown = now
        seconds = (now - self.began) / (step - self.start)
        left = int(seconds * (self.steps - step))
        clock = f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02}"
        line = f"step {step:,}/{self.steps:,}  loss {loss:.4f}  {batch_tokens / seconds:,.0f} tokens/s  {clock} left"
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    def end(self):
        if self.terminal and self.shown:
            print(file=sys.stderr)


def note(message):
    print(f"olmix-torch: {message}", file=sys.stderr, flush=True)
