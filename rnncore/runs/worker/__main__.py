"""`python -m rnncore.runs.worker`."""

from rnncore.runs.worker.main import main

main()
