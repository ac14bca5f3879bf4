"""Pages for members: lists, threads, posts, search, meetings."""
