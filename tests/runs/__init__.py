"""Tests of scheduler, workers and store."""
