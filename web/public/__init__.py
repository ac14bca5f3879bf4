"""Pages for everybody: join, confirm, leave, answer an invitation."""
