"""The server around the pages: host names, cookies, static files, logs, and the scheduler it starts."""
