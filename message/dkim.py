"""DKIM signatures (RFC 6376) over finished bytes: rsa-sha256, relaxed/relaxed (RFC 8301 §3)."""

import base64
import hashlib
import re
from collections import Counter

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY_BITS = 2048
#: What is signed where it occurs. RFC 8058 §4 wants both List-Unsubscribe fields among them.
SIGNED = (
    "from", "to", "cc", "subject", "date", "message-id", "reply-to", "sender", "in-reply-to",
    "references", "mime-version", "content-type", "content-transfer-encoding", "list-id",
    "list-help", "list-unsubscribe", "list-unsubscribe-post", "list-subscribe", "list-post",
    "list-owner", "list-archive", "archived-at", "feedback-id", "auto-submitted",
)  # fmt: skip
#: Named once more than they occur, so that nobody can add a second one (RFC 6376 §8.15).
GUARDED = frozenset({"from", "to", "subject", "date", "reply-to", "message-id", "content-type"})
_BLANKS = re.compile(rb"[ \t]+")


class Signer:
    """Signs messages of one domain with one key; the key is read once."""

    def __init__(self, domain: str, selector: str, private_key_pem: bytes) -> None:
        key = serialization.load_pem_private_key(private_key_pem, None)
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < 1024:  # RFC 8301 §3.2
            raise ValueError("The DKIM key must be an RSA key of at least 1024 bits (use 2048).")
        self._key = key
        self._domain, self._selector = domain, selector

    def sign(self, message: bytes) -> bytes:
        """The message (CRLF line ends) with a DKIM-Signature field on top."""
        head, _, body = message.partition(b"\r\n\r\n")
        fields = _fields(head + b"\r\n")
        names = _names_to_sign(fields)
        digest = base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode()
        tags = (
            f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={self._domain}; s={self._selector};\r\n"
            f" h={_folded_names(names)};\r\n bh={digest};\r\n b="
        )
        unsigned = b"DKIM-Signature: " + tags.encode()
        data = b"".join(_chosen(fields, names)) + relaxed_field(unsigned).removesuffix(b"\r\n")
        signature = self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        text = base64.b64encode(signature).decode()
        lines = "\r\n  ".join(text[at : at + 70] for at in range(0, len(text), 70))
        return unsigned + lines.encode() + b"\r\n" + message


def _fields(head: bytes) -> list[tuple[str, bytes]]:
    fields: list[tuple[str, bytes]] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            name, value = fields[-1]
            fields[-1] = (name, value + b"\r\n" + line)
        elif line:
            name = line.partition(b":")[0].strip().lower().decode("ascii", "replace")
            fields.append((name, line))
    return fields


def _names_to_sign(fields: list[tuple[str, bytes]]) -> list[str]:
    count = Counter(name for name, _ in fields)
    names: list[str] = []
    for name in SIGNED:
        names += [name] * (count[name] + (name in GUARDED))
    return names


def _folded_names(names: list[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > 68:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n  ".join(lines).removesuffix(":")


def _chosen(fields: list[tuple[str, bytes]], names: list[str]) -> list[bytes]:
    """RFC 6376 §5.4.2: of fields that occur more than once, the last comes first."""
    left: dict[str, list[bytes]] = {}
    for name, field in fields:
        left.setdefault(name, []).append(field)
    return [relaxed_field(left[name].pop()) for name in names if left.get(name)]


def relaxed_field(field: bytes) -> bytes:
    """One field in relaxed form, with CRLF (RFC 6376 §3.4.2)."""
    name, _, value = field.partition(b":")
    flat = _BLANKS.sub(b" ", value.replace(b"\r\n", b""))
    return name.strip(b" \t").lower() + b":" + flat.strip(b" \t") + b"\r\n"


def relaxed_body(body: bytes) -> bytes:
    """A body in relaxed form (RFC 6376 §3.4.4)."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:  # a few passes over the whole are faster than one look at each blank
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \r\n", b"\r\n").removesuffix(b" ")
    stripped = body.rstrip(b"\r\n")
    tail = body[len(stripped) :]
    if b"\r\n" not in tail and tail:
        return body + b"\r\n"  # a lone CR or LF is part of the last line
    return stripped + b"\r\n" if stripped else b""


def new_key() -> bytes:
    """A fresh RSA key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def dns_record(private_key_pem: bytes) -> str:
    """The TXT record to publish at <selector>._domainkey.<domain> (RFC 6376 §3.6.1)."""
    key = serialization.load_pem_private_key(private_key_pem, None)
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
