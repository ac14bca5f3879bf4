"""Pages for members: lists, discussions, search, meetings; `archive.access` decides for whom."""

from web.forum import lists, meetings, places, search, threads

ROUTES = [*lists.ROUTES, *threads.ROUTES, *places.ROUTES, *search.ROUTES, *meetings.ROUTES]
