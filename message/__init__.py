"""Mail as bytes: read, build, sign, understand. No I/O, no clock, no database."""
