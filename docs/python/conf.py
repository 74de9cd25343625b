"""Sphinx: the pages of this folder, and the reference of the package from its docstrings. scripts/python-docs.sh makes it."""

import olmix

project = "olmix"
author = "the authors of olmix"
release = version = olmix.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_nb"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Data mixtures for language models", "page_width": "75rem", "body_max_width": "none"}

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
# Sections that must be right, and what a reader needs of every function: parameters and what comes back.
numpydoc_validation_checks = {"GL06", "GL07", "GL08", "PR01", "PR02", "PR03", "PR07", "RT03", "SS03"}
# Objects of these are made by functions and not by readers; errors have the parameters of their base.
MADE = ("Fit", "FittedLaw", "Mix", "Draws", "Plan", r"errors\.(?!Olmix)\w+")
numpydoc_validation_exclude = {rf"olmix\.{name}$" for name in MADE}

nb_execution_mode = "cache"
nb_execution_timeout = 60
nb_execution_raise_on_error = True
myst_heading_anchors = 3
# Pages outside this folder are read in the repository.
suppress_warnings = ["myst.xref_missing", "toc.not_included"]
