"""Measurements of a model at one evaluation, beside the numbers of every step."""
