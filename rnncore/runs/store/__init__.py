"""The run store: one SQLite file, and all SQL that reads or writes it."""
