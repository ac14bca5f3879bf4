"""The post room: the ledger of copies, sending, the inbox of raw mail, sorting."""
