"""What instruments do at one evaluation of a model (`rnncore.instruments` lists them): a module for each."""
