"""Pages on which moderators join, split and move, and take it back."""

import pytest

from archive import shelves
from archive.models import Post
from core import database
from tests.archive.test_weaving import letter
from tests.servers.browser import ARTEFACTS, browser
from tests.web.conftest import Place
from tests.web.test_in_browser import context_of, only_here

__all__ = ["only_here"]


def told(place: Place) -> tuple[int, int, int]:
    """Two discussions, "Lunch" with an answer and "Dinner"; the ids of their three posts."""
    with database.transaction() as session:
        letters = [
            letter("lunch@x.example", subject="Lunch"),
            letter("soup@x.example", "lunch@x.example", minute=1, subject="Re: Lunch"),
            letter("dinner@x.example", minute=2, subject="Dinner"),
        ]
        filed = shelves.put(session, place.network.main, letters)
    lunch, soup, dinner = (one.post_id for one in filed)
    return lunch, soup, dinner


def stands(*posts: int) -> list[int]:
    """The discussions in which posts stand."""
    with database.reading() as session:
        return [session.get_one(Post, one).thread_id for one in posts]


def test_a_discussion_is_joined_and_taken_apart(place: Place) -> None:
    """By the address of the other one; old links lead on; the page has the button to undo it."""
    lunch, soup, dinner = told(place)
    first, _, second = stands(lunch, soup, dinner)
    mod = place.browser(place.mod)
    form = mod.get(f"/threads/{second}/join")
    assert form.status == 200
    assert "Lunch" in form.text
    address = f"https://network.example.org/threads/{first}?said=x#post-{lunch}"
    answer = mod.post(f"/threads/{second}/join", {"other": address})
    assert answer.headers["location"] == f"/threads/{first}?said=joined"
    assert stands(lunch, soup, dinner) == [first] * 3
    assert mod.get(f"/threads/{second}").headers["location"] == f"/threads/{first}"
    page = mod.get(f"/threads/{first}").text
    assert "Another discussion was joined to this one by Mo Moderator" in page
    back = mod.post("/edits/1/undo")
    assert back.headers["location"].endswith("said=undone")
    assert stands(lunch, soup, dinner) == [first, first, second]
    assert mod.post("/edits/1/undo").status == 422


def test_a_post_is_split_off_and_moved(place: Place) -> None:
    """Under a title of its own; then below a post of another discussion."""
    lunch, soup, dinner = told(place)
    mod = place.browser(place.mod)
    answer = mod.post(f"/posts/{soup}/split", {"title": "On soup"})
    apart = stands(soup)[0]
    assert answer.headers["location"] == f"/threads/{apart}?said=split"
    page = mod.get(f"/threads/{apart}").text
    assert '<h1 class="govuk-heading-l">On soup</h1>' in page
    assert apart != stands(lunch)[0]
    moved = mod.post(f"/posts/{soup}/move", {"below": f"/posts/{dinner}"})
    assert moved.headers["location"] == f"/threads/{stands(dinner)[0]}?said=moved"
    assert stands(soup) == stands(dinner)
    assert "A moderator put it here." in mod.get(f"/posts/{soup}").text


@pytest.mark.parametrize(
    ("path", "fields", "words"),
    [
        ("/threads/{first}/join", {}, "Choose a discussion"),
        ("/threads/{first}/join", {"into": "{first}"}, "That is the same discussion"),
        ("/threads/{first}/join", {"other": "999999"}, "Choose a discussion"),
        ("/threads/{first}/join", {"other": "javascript:alert(1)"}, "Choose a discussion"),
        ("/posts/{lunch}/split", {"title": "x"}, "opens its discussion already"),
        ("/posts/{lunch}/move", {"below": "/posts/{soup}"}, "answer to the one you move"),
        ("/posts/{soup}/move", {"below": "/posts/{lunch}"}, "stands there already"),
        ("/posts/{soup}/move", {"below": ""}, "Enter the address"),
        ("/posts/{soup}/split", {"title": "x" * 300}, "200 characters or fewer"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field(
    place: Place, path: str, fields: dict[str, str], words: str
) -> None:
    """The form comes again with the fault; nothing has moved."""
    lunch, soup, dinner = told(place)
    before = stands(lunch, soup, dinner)
    known = {"first": before[0], "lunch": lunch, "soup": soup}
    answer = place.browser(place.mod).post(
        path.format(**known), {name: said.format(**known) for name, said in fields.items()}
    )
    assert answer.status == 422
    assert words in answer.text
    assert stands(lunch, soup, dinner) == before


def test_only_moderators_of_the_list(place: Place) -> None:
    """Members get 403 and no links; what is on a list that one cannot see is not there."""
    lunch, soup, _ = told(place)
    thread = stands(lunch)[0]
    anna, mod = place.browser(place.anna), place.browser(place.mod)
    assert f"/posts/{soup}/place" not in anna.get(f"/threads/{thread}").text
    assert f"/posts/{soup}/place" in mod.get(f"/threads/{thread}").text
    for path in (f"/threads/{thread}/join", f"/posts/{soup}/place"):
        assert anna.get(path).status == 403
    assert anna.post(f"/posts/{soup}/split", {"title": "Mine"}).status == 403
    assert mod.post(f"/posts/{soup}/split", {"title": ""}).status == 303
    assert anna.post("/edits/1/undo").status == 403
    assert place.browser().post("/edits/1/undo").headers["location"] == "/sign-in"
    for path in (f"/threads/{place.closed_thread}/join", f"/posts/{place.closed_post}/place"):
        assert mod.get(path).status == 404
    hidden = {"other": str(place.closed_thread)}
    assert mod.post(f"/threads/{thread}/join", hidden).status == 422


@pytest.mark.parametrize("db", ["sqlite"], indirect=True)
def test_a_moderator_does_it_by_hand(only_here: Place) -> None:
    """From the discussion over the form to the notice and back, on the page as it is drawn."""
    lunch, soup, dinner = told(only_here)
    first, _, second = stands(lunch, soup, dinner)
    with browser() as running:
        page = context_of(running, only_here, only_here.mod).new_page()
        page.goto(f"http://127.0.0.1:{only_here.port}/threads/{second}")
        page.get_by_role("link", name="Join to another discussion").click()
        page.get_by_label("Lunch").check()
        page.screenshot(path=ARTEFACTS / "discussion-join.png", full_page=True)
        page.get_by_role("button", name="Join the discussions").click()
        page.get_by_text("The discussions are one now.").wait_for()
        page.screenshot(path=ARTEFACTS / "discussion-joined.png", full_page=True)
        page.get_by_role("button", name="Undo").click()
        page.get_by_text("The change was undone.").wait_for()
        assert stands(lunch, soup, dinner) == [first, first, second]
        page.goto(f"http://127.0.0.1:{only_here.port}/posts/{soup}/place")
        page.screenshot(path=ARTEFACTS / "post-place.png", full_page=True)
