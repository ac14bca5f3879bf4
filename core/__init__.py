"""What all rooms stand on: settings, database, events, outbox, clock, tokens, links, logs."""
