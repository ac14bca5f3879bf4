"""Real archives imported: every message accounted for, the second time nothing new."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from archive import access, search, transfer
from archive.models import Attachment, Post
from core import database
from mailer.models import Incoming
from tests.conftest import Network
from tests.corpora.mail import cases, corpus, present


def _boxes(source: str) -> list[Any]:
    manifest = corpus() / source / "manifest.json"
    if not manifest.exists():
        return cases(source, "")
    return json.loads(manifest.read_text())["cases"]  # type: ignore[no-any-return]


def _rows() -> dict[str, int | None]:
    with database.reading() as session:
        counted = {"posts": func.count(Post.id), "incoming": func.count(Incoming.id)}
        return {name: session.scalar(select(count)) for name, count in counted.items()}


def _check(report: transfer.Report) -> None:
    assert report.total == report.filed + len(report.duplicates) + len(report.quarantined)


def test_ten_months_of_a_list(network: Network) -> None:
    """Each message stands in these files twice: half is filed, half named as known."""
    total: Counter[str] = Counter()
    start = time.process_time()
    for case in present("twisted-python-archive", "mbox_archive"):
        path = corpus() / "twisted-python-archive" / case["file"]
        report = transfer.import_mbox(path, "ai-network")
        _check(report)
        assert report.total == case["expected"]["messages"]
        assert report.quarantined == []
        total.update(all=report.total, filed=report.filed, known=len(report.duplicates))
    spent = time.process_time() - start
    print(f"\n{dict(total)}, {spent / max(1, total['all']) * 1000:.2f} CPU s for 1,000")
    with database.reading() as session:
        viewer = access.viewer(session, network.coordinator)
        for words in ("deferred", "reactor", '"twisted web"'):
            assert len(search.search(session, viewer, words)) > 10
        assert search.search(session, access.ANYBODY, "reactor") == []
    before = _rows()
    for case in present("twisted-python-archive", "mbox_archive")[:2]:
        again = transfer.import_mbox(
            corpus() / "twisted-python-archive" / case["file"], "ai-network"
        )
        assert (again.filed, len(again.duplicates)) == (0, again.total)
    assert _rows() == before


@pytest.mark.parametrize("case", _boxes("ponymail-corpus"), ids=lambda case: case["id"])
def test_single_boxes(db: str, case: dict[str, Any], tmp_path: Path) -> None:
    """Hard mail and whole months: ids, and attachments with their names, sizes and contents."""
    network = Network()
    path = corpus() / "ponymail-corpus" / case["file"]
    report = transfer.import_mbox(path, "ai-network")
    _check(report)
    assert report.quarantined == []
    wanted = case.get("expected", {}).get("files", {}).get("messages")
    expected = json.loads((corpus() / "ponymail-corpus" / wanted).read_text()) if wanted else []
    if wanted:
        assert report.total == len(expected)
    with database.reading() as session:
        found = set(session.scalars(select(Post.message_id).where(Post.list_id == network.main)))
        files = list(session.execute(select(Attachment.size, Attachment.sha256)))
    ids = {one["message_id"].strip().strip("<>") for one in expected if one["message_id"].strip()}
    assert ids <= found
    named = {(file["size"], file["hash"]) for one in expected for file in one["attachments"]}
    assert named <= {(size, sha256) for size, sha256 in files}


def test_ham(network: Network) -> None:
    """2,500 ordinary messages of ten lists in one file."""
    for case in present("spamassassin-ham", "mbox_archive"):
        start = time.process_time()
        report = transfer.import_mbox(corpus() / "spamassassin-ham" / case["file"], "ai-network")
        spent = time.process_time() - start
        _check(report)
        assert (report.total, report.quarantined) == (case["expected"]["messages"], [])
        print(f"\n{report.filed} filed, {spent / report.total * 1000:.2f} CPU s for 1,000")
