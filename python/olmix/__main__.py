"""`python -m olmix`: the command."""

from ._command import main

main()
