"""Pages for coordinators: mailings, sign-ups, held posts, what went wrong."""
