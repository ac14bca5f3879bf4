"""Pages that need no signing in: front page, join, leave, answers to invitations, feeds."""

from web.public import feeds, front, join, leave, rsvp, sign_in

ROUTES = [*feeds.ROUTES, *front.ROUTES, *join.ROUTES, *leave.ROUTES, *rsvp.ROUTES, *sign_in.ROUTES]
