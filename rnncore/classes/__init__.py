"""Classes: a teacher and students on one server, what the teacher shows, asks and hands out. Kept in the run store."""
