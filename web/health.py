"""Whether this process lives, and whether it can answer pages."""

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core import database
from subscribers.models import MailingList


def live(_request: Request) -> Response:
    """The process answers."""
    return JSONResponse({"live": True})


def ready(_request: Request) -> Response:
    """The database answers, and has our tables."""
    try:
        with database.reading() as session:
            session.scalar(select(MailingList.id).limit(1))
    except (SQLAlchemyError, RuntimeError):
        return JSONResponse({"ready": False, "why": "the database does not answer"}, 503)
    return JSONResponse({"ready": True})


ROUTES = [Route("/health/live", live), Route("/health/ready", ready)]
