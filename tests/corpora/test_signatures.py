"""DKIM, ARC, canonical forms and Authentication-Results, as five sources of others state them."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from message import witness
from message.arc import verify_chain
from message.authentication import parse_results
from message.canonical import Letter, field_in
from message.signatures import verify
from tests.corpora.mail import corpus, explained, present

Dns = Callable[[str], Sequence[bytes] | None]
_B = re.compile(r"\bb=[^;]*")
#: dkimpy's messages are signed by the keys of RFC 8463, which another source publishes.
RFC_KEYS = "stalwart-mail-auth/dkim/001.dns.json"


def answers(path: Path) -> Dns:
    """The DNS of a case; a name that is not in it does not exist."""
    told = {name.lower(): text for name, text in json.loads(path.read_text()).items()}

    def texts(name: str) -> list[bytes] | None:
        found = told.get(name)
        if found is None:
            return None
        return [one.encode() for one in (found if isinstance(found, list) else [found])]

    return texts


def letter(source: str, case: dict[str, Any]) -> Letter:
    """The message of a case."""
    return Letter((corpus() / source / case["file"]).read_bytes())


def chains(case: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Whether the chain of seals is worth what the source says; empty stands for none or fail."""
    found = letter("arc-test-suite", case)
    ours = verify_chain(found, answers(corpus() / "arc-test-suite" / case["dns"]))
    stated = case["expected"]["cv"]
    yield "chain", ours in ([stated] if stated else ["none", "fail"])


def seals(case: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """We seal nothing: the seal that the source expects has to hold for us, on the message.

    The source compares without blanks, and folds its b= only for us to read.
    """
    stated = case["expected"]
    named = {"ARC-Seal": "AS", "ARC-Message-Signature": "AMS", "ARC-Authentication-Results": "AAR"}
    top = "".join(
        f"{name}: {_B.sub(lambda b: ''.join(b.group().split()), ' '.join(stated[key].split()))}\n"
        for name, key in named.items()
    )
    raw = (corpus() / "arc-test-suite" / case["file"]).read_bytes()
    ours = verify_chain(
        Letter(top.encode() + raw), answers(corpus() / "arc-test-suite" / case["dns"])
    )
    yield "seal", ours == ("fail" if "cv=fail" in stated["AS"] else "pass")


def stalwart_signatures(case: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Every signature passes."""
    found = letter("stalwart-mail-auth", case)
    ours = verify(found, answers(corpus() / "stalwart-mail-auth" / case["dns"]))
    yield "signatures", bool(ours) and all(one.result == "pass" for one in ours)


def stalwart_chains(case: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """The chain holds."""
    found = letter("stalwart-mail-auth", case)
    dns = answers(corpus() / "stalwart-mail-auth" / case["dns"])
    yield "chain", verify_chain(found, dns) == "pass"


def dkimpy(case: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """What is stated; of the rest: signed by the keys of RFC 8463 passes, unsigned does not."""
    found = letter("dkimpy", case)
    dns = answers(corpus() / RFC_KEYS)
    ours = [one.result for one in verify(found, dns)]
    doubt = witness.look(found, witness.head_of(found), dns).doubt
    stated = case.get("expected", {}).get("result", "")
    if stated == "error: no From header":
        yield "no From", doubt == witness.NO_AUTHOR
    elif stated == "error: invalid domain":
        yield "invalid domain", ours == ["permerror"]
    elif stated == "pass":
        yield "signatures", bool(ours) and set(ours) == {"pass"}
    else:
        # The one without t= carries the signature of the one with it, so it cannot pass.
        yield "others", ("pass" in ours) is (case["file"] == "rfc6376.signed.rsa.msg")


def forms(case: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """A message in both canonical forms that DKIM knows (nofws was DomainKeys)."""
    found = letter("flanker-dkim-canon", case)
    for form in ("simple", "relaxed"):
        stated = corpus() / "flanker-dkim-canon" / case["expected"]["files"][form]
        head = b"".join(field_in(form, one) for one in found.fields)
        yield form, head + b"\r\n" + found.body_in(form) == stated.read_bytes()


def fields(case: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Server, methods, results, reasons and properties; `None` in a statement is no statement."""
    raw = (corpus() / "authres" / case["file"]).read_text()
    server, results = parse_results(raw.partition(":")[2])
    stated = case["expected"]
    if stated["authserv_id"] is not None:
        yield "server", server == stated["authserv_id"]
    for one in stated["results"]:
        wanted = {key: value for key, value in one.items() if value not in (None, "None")}
        yield "result", any(_says(result, wanted) for result in results)


def _says(result: Any, wanted: dict[str, str]) -> bool:
    said = {"method": result.method, "result": result.result, "reason": result.reason}
    said |= {name.replace(".", "_"): value for name, value in result.properties.items()}
    return wanted.items() <= said.items()


@pytest.mark.parametrize(
    ("source", "capability", "compared"),
    [
        ("arc-test-suite", "arc", chains),
        ("arc-test-suite", "arc_seal", seals),
        ("stalwart-mail-auth", "dkim", stalwart_signatures),
        ("stalwart-mail-auth", "arc", stalwart_chains),
        ("dkimpy", "dkim", dkimpy),
        ("flanker-dkim-canon", "dkim_canonicalisation", forms),
        ("authres", "authentication_results", fields),
    ],
)
def test_what_others_state(
    source: str, capability: str, compared: Callable[[dict[str, Any]], Iterator[tuple[str, bool]]]
) -> None:
    """Everything is as stated, but for what stands in the list with our reason."""
    score: Counter[tuple[str, bool]] = Counter()
    differing = set()
    for case in present(source, capability):
        found = list(compared(case))
        score.update(found)
        if not all(same for _, same in found):
            differing.add(case["file"])
    right = sum(number for (_, same), number in score.items() if same)
    print(f"\n{source}, {capability}: {right} of {score.total()}")
    assert differing == explained("signatures", f"{source}-{capability}")
    assert score.total() > 0
