"""The templates of mails and pages, and the one Jinja environment that finds them."""

from pathlib import Path

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    select_autoescape,
)

FOLDER = Path(__file__).parent


def environment(site: Path | None = None) -> Environment:
    """A fresh environment in which a missing value is an error and HTML is escaped.

    Names begin with `email/` or `web/`. A file of the same name in the folder `site` goes first.
    Callers add filters of their own and keep the environment.
    """
    folders: list[BaseLoader] = [FileSystemLoader(FOLDER)]
    if site is not None:
        folders.insert(0, FileSystemLoader(site))
    return Environment(
        loader=ChoiceLoader(folders),
        undefined=StrictUndefined,
        # What is not HTML (subject.txt, body.txt) must not get &amp; and &#39;.
        autoescape=select_autoescape(enabled_extensions=("html", "xml"), default=False),
        trim_blocks=True,
        lstrip_blocks=True,
    )
