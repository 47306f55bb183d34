"""Watching a model that is not ours: exact gradients through time beside torch's own, untouched, fused layers."""
