"""Answers to a digest as members' mail programs write them, and where each belongs."""
