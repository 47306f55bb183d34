"""Studies: one configuration with one to three of its fields varied, over several seeds, and what came out per cell."""
