"""The server around the pages: its door, cookies, static files, logs, and the scheduler it starts."""
