"""Pages that need no signing in: the front page, joining, leaving, answering an invitation."""

from web.public import front, join, leave, rsvp, sign_in

ROUTES = [*front.ROUTES, *join.ROUTES, *leave.ROUTES, *rsvp.ROUTES, *sign_in.ROUTES]
