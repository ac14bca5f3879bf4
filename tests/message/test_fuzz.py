"""A short run of the fuzzer: mutated mail is read without an exception or a loss."""

import pytest

from bench import fuzz
from core import clock


def test_mutated_mail_is_read() -> None:
    """1,500 messages made from real ones (or ours), others each day; a failure names its seed."""
    seed = clock.today("UTC").toordinal() * 1_000_000
    outcome = fuzz.fuzz(seed, 1_500)
    assert outcome.failures == []
    assert outcome.messages == 1_500


def test_without_real_mail(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """On a machine without MAIL_CORPORA the messages made here are mutated."""
    monkeypatch.setenv("MAIL_CORPORA", f"{tmp_path}/nothing")
    assert fuzz.everything() == list(fuzz.MADE_HERE)
    assert fuzz.fuzz(1, 300).failures == []
