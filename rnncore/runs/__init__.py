"""Runs in the background: worker processes, the scheduler and the run store."""
