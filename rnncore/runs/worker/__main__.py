"""`python -m rnncore.runs.worker`."""

import gc

gc.disable()  # until the worker has warmed up: looking for garbage is a sixth of the time that imports take

from rnncore.runs.worker.main import main  # noqa: E402

main()
