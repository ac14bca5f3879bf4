"""Pages for coordinators: mailings, sign-ups, held posts, meetings, what went wrong."""

from web.desk import (
    dashboard,
    digests,
    held,
    incidents,
    leavers,
    mailings,
    meetings,
    newsletters,
    sign_ups,
    stuck,
    trace,
)

ROUTES = [
    *dashboard.ROUTES,
    *newsletters.ROUTES,
    *mailings.ROUTES,
    *sign_ups.ROUTES,
    *held.ROUTES,
    *incidents.ROUTES,
    *leavers.ROUTES,
    *meetings.ROUTES,
    *digests.ROUTES,
    *stuck.ROUTES,
    *trace.ROUTES,
]
