"""Tests of mailer."""
