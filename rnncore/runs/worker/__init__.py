"""The worker process, `python -m rnncore.runs.worker`: takes job after job over its pipes."""
