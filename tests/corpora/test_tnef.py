"""Outlook's packages as MimeKit lists their contents."""

import re

from message import tnef
from tests.corpora.mail import corpus, present


def test_contents_of_packages() -> None:
    """Every file is there, by its name; the text in each form that the package has."""
    right = 0
    wrong: list[str] = []
    found = [case for case in present("mimekit", "tnef") if "contents" in case["expected"]]
    for case in found:
        package = tnef.read((corpus() / "mimekit" / case["file"]).read_bytes())
        names = [file.name for file in package.files]
        forms = {"message.txt": package.text, "message.html": package.html,
                 "message.rtf": package.rtf}  # fmt: skip
        names += [name for name, form in forms.items() if form]
        # Files of one name are numbered there.
        stated = [
            re.sub(r"^(Untitled Attachment)\.\d$", r"\1", n) for n in case["expected"]["contents"]
        ]
        if sorted(names) == sorted(stated):
            right += 1
        else:
            wrong.append(case["id"])
        assert not package.rtf or package.rtf.startswith(b"{\\rtf1")
    print(f"\nmimekit, TNEF: {right} of {len(found)}")
    assert wrong == []


def test_any_package_is_read() -> None:
    """Cut anywhere, or with garbage at its end, a package gives what is in front."""
    for case in present("mimekit", "tnef"):
        raw = (corpus() / "mimekit" / case["file"]).read_bytes()
        for end in range(0, min(len(raw), 4000), 97):
            tnef.read(raw[:end])
