"""Tests of the page of studies, its figures and its links."""
