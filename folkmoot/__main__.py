"""Lets `python -m folkmoot` do what `folkmoot` does."""

from folkmoot.cli import app

if __name__ == "__main__":
    app(prog_name="folkmoot")
