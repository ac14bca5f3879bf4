"""What was said: posts, threads, routing of answers, search, access, import and export."""
