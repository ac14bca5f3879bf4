"""The public address of each page, so that mails need not know the web."""

from urllib.parse import quote, urlencode

from core import settings


def page(path: str, **query: str) -> str:
    """The full address of a path below the network's base address."""
    address = settings.current().base_url + path
    return f"{address}?{urlencode(query)}" if query else address


def home() -> str:
    """The front page."""
    return page("/")


def join(list_name: str) -> str:
    """The form to join a list."""
    return page(f"/join/{quote(list_name)}")


def confirm(token: str) -> str:
    """The page with the button that confirms joining."""
    return page(f"/confirm/{token}")


def leave(token: str) -> str:
    """The page with the button that leaves a list; RFC 8058 POST goes to the same address."""
    return page(f"/leave/{token}")


def rsvp(token: str) -> str:
    """The page on which a person answers an invitation."""
    return page(f"/rsvp/{token}")


def sign_in() -> str:
    """The form that asks for a sign-in link."""
    return page("/sign-in")


def sign_in_with(token: str) -> str:
    """The page with the button that completes signing in."""
    return page(f"/sign-in/{token}")


def list_page(list_name: str) -> str:
    """The threads of a list."""
    return page(f"/lists/{quote(list_name)}")


def thread(thread_id: int) -> str:
    """One thread."""
    return page(f"/threads/{thread_id}")


def post(post_id: int) -> str:
    """One post."""
    return page(f"/posts/{post_id}")


def meeting(meeting_id: int) -> str:
    """One meeting."""
    return page(f"/meetings/{meeting_id}")


def desk(path: str = "") -> str:
    """The coordinator's desk."""
    return page("/desk" + path)
