"""The ways a run ends early, each with the exit code that launchers read."""


class Failure(Exception):
    """One message for the user. Any other error than these ends with code 1."""

    code = 1


class BadInput(Failure):
    """The user's files or settings: trying again without correcting them is of no use."""

    code = 2


class Diverged(Failure):
    """The loss left all bounds: the run failed, and would again."""

    code = 3


# What helps when a disk is full or a file cannot be written.
AGAIN = "make room or allow it, and start again: the run goes on from its newest checkpoint"
