"""The article's Keras program; prints one JSON object. Run in the peers' environment, with KERAS_BACKEND set.

    python keras_article.py SEEDS

CPU seconds of `fit` alone, compilation included, imports not; losses as Keras reports them, by seed and epoch.
"""

import json
import sys
import time

import keras
import numpy as np
from keras.layers import LSTM, Dense
from keras.models import Sequential
from keras.optimizers import Adam


def fit(seed: int) -> list[float]:
    """Train on the noise of this seed; return the mean loss of each epoch."""
    keras.utils.set_random_seed(seed)
    generator = np.random.default_rng(seed)
    X, y = generator.random((100, 10, 1), np.float32), generator.random((100, 1), np.float32)
    model = Sequential([keras.Input((10, 1)), LSTM(50, return_sequences=True), LSTM(50), Dense(1)])
    model.compile(optimizer=Adam(learning_rate=0.01), loss="mean_squared_error")
    return list(model.fit(X, y, epochs=100, batch_size=10, verbose=0).history["loss"])


def main() -> None:
    """Fit every seed."""
    seconds, losses = [], []
    for seed in range(int(sys.argv[1])):
        began = time.process_time()
        losses.append(fit(seed))
        seconds.append(time.process_time() - began)
    print(json.dumps({"version": keras.__version__, "seconds": seconds, "losses": losses}))


if __name__ == "__main__":
    main()
