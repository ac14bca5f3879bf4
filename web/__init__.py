"""Pages, feeds and one-click addresses."""
