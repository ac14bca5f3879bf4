"""What the signatures on a message are worth: DKIM verified (RFC 6376), by given DNS answers."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from message.address import domain_of
from message.canonical import Letter, field_in, forms, tags, unsigned

#: So many signatures of a message are looked at, so much of h=, and so large a key is tried.
MOST_SIGNATURES, MOST_NAMES, MOST_BITS = 8, 500, 8192
LEAST_BITS = 1024
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+")
_BLANKS = re.compile(r"[ \t\r\n]+")
Key = rsa.RSAPublicKey | ed25519.Ed25519PublicKey
#: The texts that the DNS has under a name; none if there are none, None if there is no such name.
#: Raises Unanswered.
Texts = Callable[[str], Sequence[bytes] | None]
#: RFC 8601 §2.7.1.
Result = Literal["pass", "fail", "policy", "permerror", "temperror"]


class Unanswered(Exception):
    """The DNS gave no answer now; later it may."""


class Worthless(Exception):
    """A signature that does not count: the result, and why in a few words."""

    def __init__(self, result: Result, why: str) -> None:
        super().__init__(why)
        self.result: Result = result
        self.why = why


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: whose, its result, and why it did not pass."""

    domain: str
    selector: str
    result: Result
    why: str = ""


def is_domain(text: str) -> bool:
    """Whether the DNS can be asked for such a name."""
    return bool(_DOMAIN.fullmatch(text))


def verify(letter: Letter, texts: Texts, now: int | None = None) -> list[Signature]:
    """The signatures from the top, verified. Never raises, as long as `texts` does not.

    `now`, in seconds since 1970, is when it arrived; without it no signature has expired.
    """
    found = letter.named("dkim-signature")[:MOST_SIGNATURES]
    return [_verified(letter, field, texts, now) for field in found]


def _verified(letter: Letter, field: bytes, texts: Texts, now: int | None) -> Signature:
    found = tags(field.partition(b":")[2]) or {}
    domain, selector = domain_of("@" + found.get("d", "")), found.get("s", "").lower()
    try:
        check_tags(found, ("v", "a", "b", "bh", "d", "h", "s"))
        _check_meaning(found, domain, now)
        limits = check(letter, field, found, texts)
        _check_limits(found, domain, limits)
    except Worthless as fault:
        return Signature(domain, selector, fault.result, fault.why)
    except Unanswered:
        return Signature(domain, selector, "temperror", "the DNS gave no answer")
    return Signature(domain, selector, "pass")


def _check_meaning(found: dict[str, str], domain: str, now: int | None) -> None:
    """RFC 6376 §6.1.1: what a signature must say, before its key is asked for."""
    if found["v"] != "1":
        raise Worthless("permerror", "another version")
    if "from" not in named_fields(found["h"]):
        raise Worthless("permerror", "From is not signed")
    identity = domain_of("@" + found.get("i", domain).rpartition("@")[2])
    if not f".{identity}".endswith(f".{domain}"):
        raise Worthless("permerror", "i= is not below d=")
    if "dns/txt" not in found.get("q", "dns/txt").replace(" ", "").split(":"):
        raise Worthless("permerror", "its key is not in the DNS")
    expires = found.get("x")
    if expires is not None and not re.fullmatch(r"\d{1,12}", expires, re.ASCII):
        raise Worthless("permerror", "x= is no time")
    if expires is not None and now is not None and int(expires) < now:
        raise Worthless("policy", "it has expired")


def check_tags(found: dict[str, str], wanted: Sequence[str]) -> None:
    """What any signature needs; raises the fault."""
    if any(not found.get(name) for name in wanted if name != "h") or "h" in set(wanted) - set(
        found
    ):
        raise Worthless("permerror", "a tag is missing")
    if found["a"] not in (
        "rsa-sha256",
        "ed25519-sha256",
    ):  # RFC 8301 §3.1: rsa-sha1 is worth nothing
        raise Worthless("permerror", "its algorithm is not accepted")
    if not re.fullmatch(r"\d{1,12}", found.get("t", "0"), re.ASCII):
        raise Worthless("permerror", "t= is no time")
    if not is_domain(domain_of("@" + found["d"])):
        raise Worthless("permerror", "d= is no domain")


def named_fields(tag: str) -> list[str]:
    """The names in h=."""
    return [name.strip(" \t\r\n").lower() for name in tag.split(":")][:MOST_NAMES]


def check(letter: Letter, field: bytes, found: dict[str, str], texts: Texts) -> dict[str, str]:
    """Verify the hash of the body and the signature of the header; gives the tags of the key.

    Raises a fault (Worthless), or Unanswered.
    """
    form = forms(found.get("c", "simple/simple"))
    if form is None:
        raise Worthless("permerror", "c= is not known")
    if letter.body_hash(form[1], _length(letter, form[1], found)) != _bytes(found["bh"]):
        raise Worthless("fail", "the text was changed")
    chosen = letter.chosen(named_fields(found["h"]))
    signed = b"".join(field_in(form[0], one) for one in chosen) + unsigned(form[0], field)
    return check_signed(signed, found, texts)


def _length(letter: Letter, form: str, found: dict[str, str]) -> int | None:
    said = found.get("l")
    if said is None:
        return None
    if not re.fullmatch(r"\d{1,20}", said, re.ASCII) or int(said) > len(letter.body_in(form)):
        raise Worthless("permerror", "l= is more than the text")
    return int(said)


def check_signed(signed: bytes, found: dict[str, str], texts: Texts) -> dict[str, str]:
    """Verify the signature over some bytes; gives the tags of the key. Raises like `check`."""
    key, record = _key(found, texts)
    signature = _bytes(found["b"])
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        else:  # RFC 8463 §3
            key.verify(signature, hashlib.sha256(signed).digest())
    except (InvalidSignature, ValueError):
        raise Worthless("fail", "the signature is wrong") from None
    return record


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(_BLANKS.sub("", text), validate=True)
    except (binascii.Error, ValueError):
        raise Worthless("permerror", "it is not base64") from None


def _key(found: dict[str, str], texts: Texts) -> tuple[Key, dict[str, str]]:
    """RFC 6376 §3.6.1: the key that the signature names, with the tags of its record."""
    name = f"{found['s'].lower()}._domainkey.{domain_of('@' + found['d'])}"
    if not is_domain(name):
        raise Worthless("permerror", "s= is no selector")
    records = [one for text in (texts(name) or ())[:2] if (one := tags(text)) is not None]
    record = next((one for one in records if "p" in one), None)
    if record is None:
        raise Worthless("permerror", "there is no such key")
    kind = found["a"].partition("-")[0]
    accepted = record.get("h", "sha256").replace(" ", "").split(":")
    services = record.get("s", "*").replace(" ", "").split(":")
    if record.get("v", "DKIM1") != "DKIM1" or record.get("k", "rsa") != kind:
        raise Worthless("permerror", "its key is of another kind")
    if "sha256" not in accepted or not {"*", "email"} & set(services):
        raise Worthless("permerror", "its key is for something else")
    if not record["p"]:
        raise Worthless("permerror", "its key was withdrawn")
    return _loaded(kind, _bytes(record["p"])), record


def _loaded(kind: str, data: bytes) -> Key:
    try:
        if kind == "ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(data)
        # RFC 6376 errata 3017: RSAPublicKey bare, or wrapped in SubjectPublicKeyInfo.
        key = serialization.load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise Worthless("permerror", "its key cannot be read") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size > MOST_BITS:
        raise Worthless("permerror", "its key cannot be read")
    if key.key_size < LEAST_BITS:  # RFC 8301 §3.2
        raise Worthless("permerror", "its key is too short")
    return key


def _check_limits(found: dict[str, str], domain: str, record: dict[str, str]) -> None:
    """What is right but does not vouch for the message as it is shown."""
    flags = record.get("t", "").replace(" ", "").split(":")
    identity = domain_of("@" + found.get("i", domain).rpartition("@")[2])
    if "s" in flags and identity != domain:
        raise Worthless("permerror", "its key is not for domains below")
    if "y" in flags:  # RFC 6376 §3.6.1: no more than unsigned mail
        raise Worthless("policy", "its key is on trial")
    if "l" in found:
        raise Worthless("policy", "only part of the text is signed")  # RFC 6376 §8.2
