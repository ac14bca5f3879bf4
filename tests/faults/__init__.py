"""Faults of every part that sending needs: nothing may be lost, and nothing repeated unmarked."""
