"""The DMARC record that is printed is one of today (RFC 9989)."""

import re

import pytest

from core import settings
from folkmoot import dmarc
from tests.folkmoot.conftest import Run


@pytest.mark.parametrize("policy", ["none", "quarantine", "reject"])
@pytest.mark.parametrize("trial", [False, True])
def test_o31_the_record_follows_the_rules_of_today(alone: Run, policy: str, trial: bool) -> None:
    """The version first, one policy, where reports go, t=y for trials; nothing given up."""
    words = ["doctor", "dmarc", "--policy", policy, *(["--trial"] if trial else [])]
    result = alone(*words)
    assert result.exit_code == 0, result.output
    found = re.search(r'(?m)^(\S+)\. IN TXT "([^"]*)"$', result.stdout)
    assert found is not None
    assert found[1] == f"_dmarc.{settings.current().domain}"
    pairs = [tag.strip().split("=", 1) for tag in found[2].split(";")]
    assert pairs[0] == ["v", "DMARC1"]  # RFC 9989 §4.7: first, in capitals
    tags = {one[0]: one[1] for one in pairs}
    assert len(tags) == len(pairs)
    assert tags["p"] == policy
    assert tags["rua"] == "mailto:coordinator@host.example"
    assert tags.get("t", "n") == ("y" if trial else "n")
    assert set(tags) <= {"v", "p", "rua", "t"}


def test_reports_to_another_domain_have_to_be_allowed(alone: Run) -> None:
    """The record that allows them is printed, and not where it is not needed."""
    assert 'lists.example.org._report._dmarc.host.example. IN TXT "v=DMARC1"' in (
        alone("doctor", "dmarc").stdout
    )
    ours = settings.current().model_copy(update={"contact": "post@example.org"})
    settings.use(ours)
    assert "_report._dmarc" not in alone("doctor", "dmarc").stdout


def test_an_address_cannot_add_tags() -> None:
    """RFC 9989 §4.6: separators in an address are written as percents."""
    assert dmarc.record("none", "a,b;p=none!c@host.example") == (
        "v=DMARC1; p=none; rua=mailto:a%2Cb%3Bp%3Dnone%21c@host.example"
    )
