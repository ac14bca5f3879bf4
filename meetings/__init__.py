"""Meetings: announcing, answers to invitations, contributions, summaries."""
