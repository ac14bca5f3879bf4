"""Who takes part: people, addresses, organisations, lists, consent, who can be reached."""
