"""Tests, in the rooms of the code: core, data, runs, dashboard, and what needs a browser."""
