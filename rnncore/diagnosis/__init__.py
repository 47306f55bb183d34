"""What can be said of a run from its recorded numbers: quantities read off them, and verdicts in plain sentences."""
