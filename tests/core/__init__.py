"""Tests of configs, the engine, diagnosis, scripts and the command line."""
