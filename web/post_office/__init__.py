"""The pages of the built-in post office; they exist only while the network is tried out."""

from web.post_office import pages

ROUTES = pages.ROUTES
