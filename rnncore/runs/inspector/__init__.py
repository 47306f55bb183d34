"""Reading instruments on demand in a process of their own: `Desk` asks, `python -m rnncore.runs.inspector` answers."""
