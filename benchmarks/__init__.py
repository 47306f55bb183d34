"""Benchmarks of the product: each prints its figures and exits with 1 when a target is missed."""
