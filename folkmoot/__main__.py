"""Lets `python -m folkmoot` do what `folkmoot` does."""

from folkmoot.cli import app

app(prog_name="folkmoot")
