"""Processes killed, brokers emptied: nothing may be lost or sent twice."""
