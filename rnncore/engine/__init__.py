"""Engine, the only home of torch: recurrent layers, training and gradient measurements."""
