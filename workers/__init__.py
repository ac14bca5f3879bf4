"""What happens when: broker, actors, reactions, schedule, listener."""
