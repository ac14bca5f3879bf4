"""DKIM signatures (RFC 6376) over finished bytes: relaxed/relaxed, RSA or Ed25519."""

import base64
import hashlib
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

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
#: Makes a DKIM-Signature field of the signed fields in relaxed form and the SHA-256 of the body.
Stamp = Callable[[bytes, bytes], bytes]


class Signer:
    """Signs messages of one domain with one key, RSA or Ed25519 (RFC 8463); it is read once."""

    def __init__(self, domain: str, selector: str, private_key_pem: bytes) -> None:
        key = serialization.load_pem_private_key(private_key_pem, None)
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 1024:  # RFC 8301 §3.2
            self._algorithm = "rsa-sha256"
        elif isinstance(key, ed25519.Ed25519PrivateKey):
            self._algorithm = "ed25519-sha256"
        else:
            raise ValueError(
                "The DKIM key must be an Ed25519 key or an RSA key of at least 1024 bits (use 2048)"
            )
        self._key = key
        self._domain, self._selector = domain, selector

    def sign(self, message: bytes) -> bytes:
        """The message (CRLF line ends) with a DKIM-Signature field on top."""
        head, _, body = message.partition(b"\r\n\r\n")
        fields = split_fields(head + b"\r\n")
        names, chosen = chosen_fields(fields)
        signed = b"".join(relaxed_field(fields[number]) for number in chosen)
        digest = hashlib.sha256(relaxed_body(body)).digest()
        return self.stamp(names)(signed, digest) + message

    def stamp(self, names: str) -> Stamp:
        """What makes the DKIM-Signature fields for `names`, as `chosen_fields` gives them."""
        begin = (
            f"DKIM-Signature: v=1; a={self._algorithm}; c=relaxed/relaxed; d={self._domain};"
            f" s={self._selector};\r\n h={names};\r\n bh="
        ).encode()
        relaxed = relaxed_field(begin).removesuffix(b"\r\n")

        def field(signed: bytes, body_hash: bytes) -> bytes:
            digest = base64.b64encode(body_hash)
            # RFC 6376 §3.7: the field itself is signed too, with an empty b=.
            signature = self._signature(b"".join((signed, relaxed, digest, b"; b=")))
            text = base64.b64encode(signature)
            lines = b"\r\n  ".join(text[at : at + 70] for at in range(0, len(text), 70))
            return b"".join((begin, digest, b";\r\n b=", lines, b"\r\n"))

        return field

    def _signature(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(hashlib.sha256(data).digest())  # RFC 8463 §3


def split_fields(head: bytes) -> list[bytes]:
    """The fields of a header, each with its folded lines and its last CRLF."""
    fields: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += line + b"\r\n"
        elif line:
            fields.append(line + b"\r\n")
    return fields


def chosen_fields(fields: Sequence[bytes]) -> tuple[str, list[int]]:
    """What to sign of these fields: the value of the h= tag, folded, and their numbers in order.

    RFC 6376 §5.4.2: of fields that occur more than once, the last comes first.
    """
    places: dict[str, list[int]] = {}
    for number, field in enumerate(fields):
        name = field.partition(b":")[0].strip().lower().decode("ascii", "replace")
        places.setdefault(name, []).append(number)
    names: list[str] = []
    chosen: list[int] = []
    for name in SIGNED:
        found = places.get(name, [])
        names += [name] * (len(found) + (name in GUARDED))
        chosen += reversed(found)
    return _folded_names(names), chosen


def _folded_names(names: list[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > 68:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n  ".join(lines).removesuffix(":")


def relaxed_field(field: bytes) -> bytes:
    """One field in relaxed form, with CRLF (RFC 6376 §3.4.2)."""
    name, _, value = field.partition(b":")
    flat = _single_blanks(value.replace(b"\r\n", b""))
    return b"".join((name.strip(b" \t").lower(), b":", flat.strip(b" "), b"\r\n"))


def relaxed_body(body: bytes) -> bytes:
    """A body in relaxed form (RFC 6376 §3.4.4)."""
    return ended(relaxed_lines(body).removesuffix(b" "))


def ended(body: bytes) -> bytes:
    """A body that ends with one CRLF, without the empty lines at its end; of nothing, nothing."""
    stripped = body.rstrip(b"\r\n")
    tail = body[len(stripped) :]
    if tail and not tail.endswith(b"\r\n"):
        return body + b"\r\n"  # a lone CR or LF is part of the last line
    lone = max(tail.rfind(b"\r\r"), tail.rfind(b"\n\n"), 0 if tail[:1] == b"\n" else -1)
    kept = stripped + tail[: lone + 1]
    return kept + b"\r\n" if kept else b""


def relaxed_lines(lines: bytes) -> bytes:
    """Lines with each run of blanks as one blank, and none at their ends (RFC 6376 §3.4.4)."""
    return _single_blanks(lines).replace(b" \r\n", b"\r\n")


def _single_blanks(text: bytes) -> bytes:
    text = text.replace(b"\t", b" ")
    while b"  " in text:  # a few passes over the whole are faster than one look at each blank
        text = text.replace(b"  ", b" ")
    return text


def new_key() -> bytes:
    """A fresh RSA key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def new_ed25519_key() -> bytes:
    """A fresh Ed25519 key as PEM, for a second signature (RFC 8463)."""
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def dns_record(private_key_pem: bytes) -> str:
    """The TXT record to publish at <selector>._domainkey.<domain> (RFC 6376 §3.6.1)."""
    key = serialization.load_pem_private_key(private_key_pem, None)
    if isinstance(key, ed25519.Ed25519PrivateKey):  # RFC 8463 §4: the bare key
        bare = key.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw
        )
        return f"v=DKIM1; k=ed25519; p={base64.b64encode(bare).decode()}"
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"
