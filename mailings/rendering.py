"""Rendering: a mailing's templates and facts become a mould, once for all copies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import css_inline
from jinja2 import Environment
from markupsafe import Markup

import templates
from core import settings
from mailer.models import Mailing
from mailings import fields, wording
from mailings.kind import Facts, Kind
from message import mould, plaintext
from message.compose import Draft
from subscribers.models import MailingList

_STYLES = css_inline.CSSInliner(
    keep_style_tags=False,
    keep_at_rules=True,  # the colours of dark mode
    load_remote_stylesheets=False,
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A mailing as it goes out, with slots for what is personal."""

    subject: str
    text: str
    html: str
    mould: mould.Mould


def render(kind: Kind, mailing: Mailing, list_: MailingList | None, facts: Facts) -> Rendered:
    """Render a mailing of a kind; `list_` is the mailing's.

    Raises jinja2.TemplateError when a template is faulty or wants a value that is not there, and
    message.headers.BadHeader for a field that cannot be written.
    """
    words = _words(kind, mailing, list_, facts)
    subject = wording.one_line(_template(kind, "subject.txt", words))
    words["subject"] = subject
    text = _tidied(_template(kind, "body.txt", words))
    html = _STYLES.inline(_template(kind, "body.html", words))
    draft = Draft(
        headers=fields.fields_of(kind, mailing, list_, facts, subject),
        text=plaintext.flowed(text),
        html=html,
        calendar=facts.calendar,
        files=facts.files,
        flowed=True,
    )
    return Rendered(subject, wording.folded(text), html, mould.build(draft))


def _tidied(text: str) -> str:
    """Text with single empty lines and no blanks at the ends of its lines, but for "-- "."""
    lines = (line if line == "-- " else line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n") + "\n"


def _words(
    kind: Kind, mailing: Mailing, list_: MailingList | None, facts: Facts
) -> dict[str, object]:
    return {
        "network": wording.network_words(),
        "list": wording.list_words(list_) if list_ else None,
        "mailing": mailing,
        "bulk": kind.bulk,
        "discussion": fields.has_discussion(kind, list_, facts),
        "slot": mould.marker,
        **{name: _harmless(value) for name, value in facts.words.items()},
    }


def _harmless(value: object) -> object:
    """What others wrote, so that nothing in it passes for a slot; our own nesting is shallow."""
    if isinstance(value, Markup):
        return Markup(wording.without_markers(str(value)))  # noqa: S704 - it was markup before
    if isinstance(value, str):
        return wording.without_markers(value)
    if isinstance(value, Mapping):
        return {key: _harmless(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_harmless(inner) for inner in value]
    return value


def _template(kind: Kind, name: str, words: Mapping[str, object]) -> str:
    return (
        _environment(settings.current().templates)
        .get_template(f"email/{kind.name}/{name}")
        .render(words)
    )


@cache
def _environment(site: Path | None) -> Environment:
    environment = templates.environment(site)
    environment.filters["said"] = wording.said
    environment.filters["indented"] = wording.indented
    return environment
