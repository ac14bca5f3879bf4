"""Mail that we wrote ourselves, of every kind, and what a careful reader would say of it."""
