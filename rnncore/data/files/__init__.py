"""Bytes become tables, sequences or texts: one reader for each format, every wrong file ends in one sentence."""
