"""Feeds of lists and discussions: RFC 4287, own words only, as long as the member may read."""

from xml.etree import ElementTree

import pytest
from sqlalchemy import select

from core import database, tokens
from core.tokens import Purpose
from subscribers.models import Standing, Subscription
from tests.web.conftest import CANARY, Place
from web.public import feeds

NS = {"a": feeds.ATOM}


def parsed(text: str) -> ElementTree.Element:
    """A feed as a reader sees it."""
    return ElementTree.fromstring(text)


def test_a_list_in_a_feed(place: Place) -> None:
    """RFC 4287 §4.1: id, title, updated, author, links; the newest first; no sign-in needed."""
    answer = place.browser().get(feeds.address(place.anna, place.network.main))
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert "noindex" in answer.headers["x-robots-tag"]
    feed = parsed(answer.text)
    for name in ("id", "title", "updated"):
        assert feed.findtext(f"a:{name}", "", NS)
    assert {link.get("rel") for link in feed.findall("a:link", NS)} == {"self", "alternate"}
    entries = feed.findall("a:entry", NS)
    assert entries
    times = [entry.findtext("a:updated", "", NS) for entry in entries]
    assert times == sorted(times, reverse=True)
    for entry in entries:
        for name in ("id", "title", "updated", "published", "author/a:name", "content"):
            assert entry.findtext(f"a:{name}", "", NS), name
    ids = [entry.findtext("a:id", "", NS) for entry in entries]
    assert len(ids) == len(set(ids))
    assert "@" not in "".join(entry.findtext("a:author/a:name", "", NS) for entry in entries)


def test_a_discussion_in_a_feed(place: Place) -> None:
    """Only its own posts; a discussion of another list is not there."""
    where = feeds.address(place.anna, place.network.main, place.thread)
    links = {
        link.get("href", "")
        for link in parsed(place.browser().get(where).text).findall("a:entry/a:link", NS)
    }
    assert any(link.endswith(f"/posts/{place.post}") for link in links)
    other = feeds.address(place.anna, place.network.main, place.closed_thread)
    assert place.browser().get(other).status == 404
    for number in ("0", "x", "99999999999"):
        assert place.browser().get(where.replace(str(place.thread), number)).status == 404


def test_nothing_new_costs_nothing(place: Place) -> None:
    """RFC 9110 §13.1.2: the same feed again is 304 without a body."""
    where = feeds.address(place.anna, place.network.main)
    first = place.browser().get(where)
    again = place.browser().get(where, **{"If-None-Match": first.headers["etag"]})
    assert (again.status, again.text) == (304, "")


def test_who_may_read_no_more_has_no_feed(place: Place) -> None:
    """Leaving the list ends the feed at once, and comes back with the member."""
    where = feeds.address(place.anna, place.network.main)
    with database.transaction() as session:
        of = select(Subscription).where(Subscription.person_id == place.anna)
        for subscription in session.scalars(of):
            subscription.state = Standing.LEFT
    assert place.browser().get(where).status == 404


@pytest.mark.parametrize("purpose", [Purpose.LEAVE, Purpose.RSVP])
def test_w12_other_tokens_open_no_feed(place: Place, purpose: Purpose) -> None:
    """A token for something else, of another list, or made up shows nothing."""
    other = tokens.make(purpose, place.anna, place.network.main)
    closed = feeds.address(place.anna, place.network.sub)
    for path in (f"/feeds/{other}", "/feeds/abc", closed):
        answer = place.browser().get(path)
        assert answer.status == 404
        assert CANARY not in answer.text


def test_pages_lead_to_their_feeds(place: Place) -> None:
    """A member finds the feed on the page of the list and of the discussion."""
    browser = place.browser(place.anna)
    for path, where in (
        ("/lists/ai-network", feeds.address(place.anna, place.network.main)),
        (f"/threads/{place.thread}", feeds.address(place.anna, place.network.main, place.thread)),
    ):
        text = browser.get(path).text
        assert text.count(f'href="{where}"') == 2
        assert 'rel="alternate" type="application/atom+xml"' in text
