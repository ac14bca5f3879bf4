"""Tests of message."""
