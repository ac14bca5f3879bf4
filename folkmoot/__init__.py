"""The front door: command line, everything in one process, post office, demo, doctor."""
