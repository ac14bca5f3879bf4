"""`folkmoot rethread`: all discussions drawn anew, and told."""

from sqlalchemy import select, update

from archive.models import Post
from core import database
from tests.archive.letters import mail, put
from tests.conftest import Network
from tests.folkmoot.conftest import Run


def test_rethread(network: Network, here: Run) -> None:
    """What was spoilt stands right again; what is right does not move; an unknown list is said."""
    with database.transaction() as session:
        put(
            session, network.main, mail(message_id="a@x"),
            mail(subject="Re: Copilot licences", message_id="b@x", minute=1, In_Reply_To="<a@x>"),
        )  # fmt: skip
        session.execute(update(Post).values(parent_id=None))
    assert "ai-network: 1 post moved." in here("rethread").output
    assert "ai-network: 0 posts moved." in here("rethread", "--list", "ai-network").output
    with database.reading() as session:
        parents = {post.message_id: post.parent_id for post in session.scalars(select(Post))}
    assert parents["a@x"] is None
    assert parents["b@x"] is not None
    assert here("rethread", "--list", "nowhere").exit_code != 0
