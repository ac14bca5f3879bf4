"""Bytes to text, whatever label they carry (RFC 7103 §7.6), never failing, never with NUL."""

import codecs
import re

#: What a label means in practice (WHATWG Encoding Standard §4.2), where Python would differ.
_MEANT = {
    "us-ascii": "windows-1252", "ascii": "windows-1252", "ansi_x3.4-1968": "windows-1252",
    "iso-8859-1": "windows-1252", "iso8859-1": "windows-1252", "latin1": "windows-1252",
    "latin-1": "windows-1252", "iso-8859-9": "windows-1254", "iso-8859-11": "windows-874",
    "iso-8859-8-i": "iso-8859-8", "ks_c_5601-1987": "cp949", "ks_c_5601-1989": "cp949",
    "euc-kr": "cp949", "gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932",
    "unicode-1-1-utf-7": "utf-7", "x-mac-roman": "mac-roman", "macintosh": "mac-roman",
    "utf8": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-windows-949": "cp949",
}  # fmt: skip
_UNFIT = re.compile("[\x00\ud800-\udfff]")
_NOT_TEXT = frozenset({"base64", "bz2", "hex", "quopri", "rot13", "uu", "zlib", "idna", "punycode"})


def decode(raw: bytes, label: str | None) -> str:
    """Text of bytes under a declared charset; tries UTF-8, the label's meaning, windows-1252.

    Never raises; NUL and lone surrogates, which databases refuse, become U+FFFD.
    """
    for name in _candidates(raw, label):
        try:
            return clean(raw.decode(name))
        except (UnicodeError, LookupError, ValueError):
            continue
    return clean(raw.decode("windows-1252", "replace"))


def _candidates(raw: bytes, label: str | None) -> list[str]:
    name = (label or "").strip().strip("\"'").lower()
    meant = _MEANT.get(name, name)
    if raw.startswith(codecs.BOM_UTF8):
        return ["utf-8-sig"]
    if meant in {"", "windows-1252"}:
        # No label, or one that is written without thinking: bytes that are valid UTF-8 are UTF-8.
        return ["ascii", "utf-8"] if name not in {"windows-1252", "cp1252"} else ["windows-1252"]
    try:
        known = codecs.lookup(meant).name
    except (LookupError, ValueError):
        return ["utf-8"]
    if known.removesuffix("_codec") in _NOT_TEXT or known in _NOT_TEXT:
        return ["utf-8"]
    return [known, "utf-8"]


def clean(text: str) -> str:
    """Text without what no database takes."""
    return _UNFIT.sub("\ufffd", text) if _UNFIT.search(text) else text
