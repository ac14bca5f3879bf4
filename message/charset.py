"""Bytes to text, whatever label they carry (RFC 7103 §7.6), never failing, never with NUL."""

import codecs
import re
from functools import lru_cache

#: What a label means in practice (WHATWG Encoding Standard §4.2), where Python would differ.
_MEANT = {
    "us-ascii": "windows-1252", "ascii": "windows-1252", "ansi_x3.4-1968": "windows-1252",
    "latin1": "windows-1252", "latin-1": "windows-1252", "l1": "windows-1252",
    "cp819": "windows-1252", "ibm819": "windows-1252", "csisolatin1": "windows-1252",
    "iso-ir-100": "windows-1252", "latin5": "windows-1254", "l5": "windows-1254",
    "tis-620": "cp874", "dos-874": "cp874", "windows-874": "cp874",
    "ks_c_5601-1987": "cp949", "ks_c_5601-1989": "cp949", "ksc5601": "cp949", "ksc_5601": "cp949",
    "euc-kr": "cp949", "korean": "cp949", "x-windows-949": "cp949", "windows-949": "cp949",
    "gb2312": "gb18030", "gbk": "gb18030", "gb_2312": "gb18030", "gb_2312-80": "gb18030",
    "x-gbk": "gb18030", "chinese": "gb18030", "csgb2312": "gb18030", "cp936": "gb18030",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932",
    "windows-31j": "cp932", "ms_kanji": "cp932", "x-euc-jp": "euc_jp", "cn-big5": "big5hkscs",
    "big5": "big5hkscs", "x-x-big5": "big5hkscs", "koi": "koi8-r", "koi8": "koi8-r",
    "koi8_r": "koi8-r", "koi8-ru": "koi8-u", "unicode-1-1-utf-7": "utf-7",
    "x-mac-roman": "mac-roman", "macintosh": "mac-roman", "mac": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic", "x-mac-ukrainian": "mac-cyrillic",
    "utf8": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-unicode20utf8": "utf-8",
    "unicode": "utf-16-le", "ucs-2": "utf-16-le", "csunicode": "utf-16-le",
    "utf-16": "utf-16-le", "utf-16le": "utf-16-le", "iso-10646-ucs-2": "utf-16-le",
}  # fmt: skip
_ISO_8859 = re.compile(r"(?:x-|cs)?iso[-_]?8859[-_]?(\d{1,2})(?:[:-].*)?")
_OF_ISO_8859 = {"1": "windows-1252", "9": "windows-1254", "11": "cp874"}
_WINDOWS = re.compile(r"(?:x-)?(?:windows|win|cp|ms)[-_]?(125[0-8])")
#: Codecs of Python that are no charsets of mail: some run for long, or warn, or refuse.
_NOT_CHARSETS = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)
_LONGEST_LABEL = 40
_FEW = 20  # one sign in so many may be lost where a label is otherwise right
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")
)  # fmt: skip
_UNFIT = re.compile("[\x00\ud800-\udfff]")


def decode(raw: bytes, label: str | None) -> str:
    """Text of bytes under a declared charset; tries the label's meaning, UTF-8, windows-1252.

    A few bytes that are none of it spoil themselves only. Never raises; NUL and lone surrogates,
    which databases refuse, become U+FFFD.
    """
    names = _candidates(raw, label)
    for name in names:
        try:
            return clean(raw.decode(name))
        except (UnicodeError, LookupError, ValueError):
            continue
    for name in names:
        text = raw.decode(name, _STRAY)
        if text.count("\ufffd") * _FEW <= len(text):
            return clean(text)
    return clean(raw.decode("windows-1252", "replace"))


def _as_windows(fault: UnicodeError) -> tuple[str | bytes, int]:
    """Bytes between those of UTF-8 were mostly written by Windows; in others they are lost."""
    if not isinstance(fault, UnicodeDecodeError):
        raise fault
    stray = fault.object[fault.start : fault.end]
    is_utf_8 = fault.encoding.replace("_", "-").lower() == "utf-8"
    return (stray.decode("windows-1252", "replace") if is_utf_8 else "\ufffd"), fault.end


_STRAY = "folkmoot.stray"
codecs.register_error(_STRAY, _as_windows)


def decode_field(raw: bytes, label: str | None) -> str:
    """Text of a header field that may hold bytes: UTF-8 (RFC 6532), else as the body declares."""
    try:
        return clean(raw.decode("utf-8"))
    except UnicodeError:
        return decode(raw, label or "utf-8")


def _candidates(raw: bytes, label: str | None) -> list[str]:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return [name]
    name = (label or "").strip().strip("\"'").lower()
    meant = _meant(name)
    if (meant == "windows-1252" and name not in {"windows-1252", "cp1252"}) or not meant:
        # No label, or one that is written without thinking: bytes that are valid UTF-8 are UTF-8.
        return ["utf-8"]
    return [meant] if meant == "windows-1252" else [meant, "utf-8"]


@lru_cache(maxsize=200)
def _meant(name: str) -> str:
    """The codec that a label means; "" if it means none."""
    if not name or len(name) > _LONGEST_LABEL:
        return ""
    if name in _MEANT:
        return _MEANT[name]
    wanted = name
    if part := _ISO_8859.fullmatch(name):
        number = part[1].lstrip("0")
        wanted = _OF_ISO_8859.get(number, f"iso-8859-{number}")
    elif page := _WINDOWS.fullmatch(name):
        wanted = f"windows-{page[1]}"
    try:
        known = codecs.lookup(wanted).name
        b"?".decode(wanted, "replace")  # "base64" is a codec too, but none of text
    except (LookupError, ValueError, UnicodeError):
        return ""
    if known.replace("-", "_") in _NOT_CHARSETS:
        return ""
    return known if wanted == name else wanted


def clean(text: str) -> str:
    """Text without what no database takes."""
    if text.isascii() and "\x00" not in text:
        return text
    return _UNFIT.sub("\ufffd", text) if _UNFIT.search(text) else text
