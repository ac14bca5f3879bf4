"""Tests of folkmoot."""
