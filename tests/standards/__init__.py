"""Tests of what standards and mail providers want."""
