"""Tests of Folkmoot."""
