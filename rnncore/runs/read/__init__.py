"""Stored runs for readers: what the board polls, files to download, and sentences."""
