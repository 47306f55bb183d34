"""Tests of tasks, readers and data sets."""
