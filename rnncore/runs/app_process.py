"""`python -m rnncore.runs.app_process`: the command `streamlit`, which a Ctrl-C ends without a traceback early, too."""

import runpy

from rnncore.interrupts import leave_while_importing

if __name__ == "__main__":
    leave_while_importing()
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)
