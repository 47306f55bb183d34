"""Data: synthetic tasks and tables become a `SequenceDataset` of numpy arrays."""
