"""Messages signed by keys of our own, with the DNS that goes with them."""

import base64
from collections.abc import Sequence
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from message.dkim import Signer
from message.signatures import Unanswered

#: Made once for a whole run: a key takes longer than everything else in a test.
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()
Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class Zone:
    """Texts by name; what stands in `silent` is not answered; `asked` counts."""

    def __init__(self, **texts: bytes) -> None:
        self.texts: dict[str, list[bytes]] = {}
        self.silent: set[str] = set()
        self.asked: list[str] = []

    def key(self, domain: str, selector: str = "s", key: Private = RSA, tags: str = "") -> "Zone":
        """Publish a key."""
        self.texts[f"{selector}._domainkey.{domain}"] = [published(key, tags)]
        return self

    def rule(self, domain: str, tags: str) -> "Zone":
        """Publish a policy record."""
        self.texts.setdefault(f"_dmarc.{domain}", []).append(f"v=DMARC1; {tags}".encode())
        return self

    def __call__(self, name: str) -> Sequence[bytes] | None:
        """The answer."""
        self.asked.append(name)
        if name in self.silent:
            raise Unanswered
        found = self.texts.get(name)
        if found is None and any(one.endswith(f".{name}") for one in self.texts):
            return ()
        return found


def published(key: Private, tags: str = "") -> bytes:
    """The record of a key."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        data = public.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        kind = b"rsa"
    else:
        data = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        kind = b"ed25519"
    return b"v=DKIM1; k=" + kind + b"; " + tags.encode() + b" p=" + base64.b64encode(data)


def letter(sender: str = "ann@ashford.example", text: str = "Hello all,\r\n\r\nHow?\r\n") -> bytes:
    """A message, not signed."""
    return (
        f"From: Ann <{sender}>\r\nTo: ai-network@lists.example.org\r\nSubject: Licences\r\n"
        f"Message-ID: <{abs(hash((sender, text)))}@x.example>\r\n"
        "Date: Tue, 02 Feb 2027 09:30:00 +0000\r\n\r\n"
        f"{text}"
    ).encode()


def signed(raw: bytes, domain: str, selector: str = "s", key: Private = RSA) -> bytes:
    """The message with a signature of a domain on top."""
    return signer(domain, selector, key).sign(raw)


@cache
def signer(domain: str, selector: str, key: Private) -> Signer:
    """What signs; to read a key takes longer than to sign with it."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Signer(domain, selector, pem)
