"""Tests of pages, panels, HTTP API, figures, lessons and exports."""
