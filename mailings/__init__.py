"""What we send: one module a kind; planning, rendering, approval."""
