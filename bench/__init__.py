"""Benchmarks: each prints what it did, and ends with one JSON line."""
