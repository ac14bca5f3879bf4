"""Pages for members: lists, discussions, search, meetings; `archive.access` decides for whom."""

from web.forum import lists, meetings, search, threads

ROUTES = [*lists.ROUTES, *threads.ROUTES, *search.ROUTES, *meetings.ROUTES]
