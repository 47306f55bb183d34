"""What the instruments on demand do (`rnncore.on_demand` lists them): a module each, over the pure functions."""
