"""Files made of runs: weights, profiles, a report to open anywhere, everything in one zip file.

Records as CSV, JSON and Parquet are made by `rnncore.runs.read.export`. Everything here is a function of the store.
"""
