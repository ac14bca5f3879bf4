"""What happens when: broker, actors, reactions, relay, schedule, listener."""
