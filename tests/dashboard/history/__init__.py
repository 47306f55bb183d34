"""Tests of the history of a workspace's runs."""
