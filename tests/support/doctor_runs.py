"""The runs that the doctor is tried on: sick ones with what must be found first, and healthy ones."""

import numpy as np

from tests.support.doctor_cases import LONG, SERIES, ar, config, healthy, labelled, series, sick, task, wave

SICK = (
    sick(
        "adding, 1 RNN layer",
        "constant_output no_better_than_baseline",
        config(task("adding", seq_len=100), hidden_size=32),
    ),
    sick("adding, 8 RNN layers", "vanishing_through_layers", config(task("adding"), hidden_size=32, num_layers=8)),
    sick(
        "adding, 6 LSTM layers",
        "vanishing_through_layers",
        config(task("adding", seq_len=30), steps=200, cell="lstm", hidden_size=16, num_layers=6),
    ),
    sick("Adam at 1.0", "learning_rate_too_high", config(task("adding"), lr=1.0, cell="lstm")),
    sick("Adam at 1.0, GRU", "learning_rate_too_high", config(task("mackey_glass"), lr=1.0, cell="gru")),
    sick("SGD at 2.0", "learning_rate_too_high", config(task("sines"), lr=2.0, optimizer="sgd", cell="lstm")),
    sick(
        "RMSprop at 0.5",
        "learning_rate_too_high",
        config(task("mackey_glass"), lr=0.5, optimizer="rmsprop", cell="gru"),
    ),
    sick("Adam at 1e-6", "learning_rate_too_low", config(task("adding"), lr=1e-6, cell="lstm")),
    sick("Adam at 1e-6, sines", "learning_rate_too_low", config(task("sines"), lr=1e-6, cell="gru")),
    sick("SGD at 1e-5", "learning_rate_too_low", config(task("parity"), lr=1e-5, optimizer="sgd")),
    sick(
        "clip 0.001 with SGD",
        "clip_rules",
        config(task("sines"), lr=0.05, optimizer="sgd", clip={"method": "norm", "threshold": 0.001}, cell="lstm"),
    ),
    sick(
        "clip 0.001 with Adam",
        "clip_rules constant_output",
        config(task("adding"), clip={"method": "norm", "threshold": 0.001}, cell="lstm"),
    ),
    sick(
        "clip value 1e-5 with SGD",
        "clip_rules",
        config(task("mackey_glass"), lr=0.05, optimizer="sgd", clip={"method": "value", "threshold": 1e-5}),
    ),
    sick(
        "rate that falls to a tenth every ten steps",
        "learning_rate_too_low",
        config(task("adding", seq_len=20), cell="gru", schedule={"name": "step", "decay": 0.1, "decay_steps": 10}),
    ),
    sick(
        "rate that falls to a hundredth in 20 steps",
        "learning_rate_too_low",
        config(task("mackey_glass"), cell="lstm", schedule={"name": "exponential", "decay": 0.01, "decay_steps": 20}),
    ),
    sick(
        "small initial weights",
        "constant_output no_better_than_baseline",
        config(task("adding", seq_len=60), init={"scheme": "normal", "std": 0.001}),
    ),
    sick(
        "Adam at 1.0, small initial weights",
        "learning_rate_too_high",
        config(task("adding"), lr=1.0, init={"scheme": "normal", "std": 0.01}),
    ),
    sick(
        "weight decay 1",
        "echo no_better_than_baseline constant_output",
        {**config(task("mackey_glass"), cell="gru"), "optimizer": {"name": "adam", "weight_decay": 1.0}},
    ),
    sick(
        "truncation 5 at delay 20",
        "truncation_shorter_than_delay",
        config(task("delayed_recall", delay=20), truncation=5, cell="lstm", readout="every_step"),
    ),
    sick("truncation 10, adding", "truncation_shorter_than_delay", config(task("adding"), truncation=8, cell="lstm")),
    sick("ten updates", "too_few_updates", config(task("adding"), steps=10, cell="lstm")),
    sick("thirty updates, text", "too_few_updates", config(task("temporal_order"), steps=30, cell="gru")),
    sick(
        "IRNN thrown out",
        "thrown_out",
        config(
            task("adding", seq_len=100),
            lr=0.01,
            optimizer="sgd",
            nonlinearity="relu",
            hidden_size=64,
            init={"scheme": "identity"},
        ),
    ),
    sick(
        "ReLU with radius 2",
        "thrown_out diverged learning_rate_too_high",
        config(
            task("adding"),
            lr=0.01,
            optimizer="sgd",
            nonlinearity="relu",
            init={"scheme": "spectral", "spectral_radius": 2.0},
        ),
    ),
    sick(
        "LSTM with forget bias 1, T=200",
        "constant_output no_better_than_baseline",
        config(task("adding", seq_len=200), steps=200, cell="lstm", init={"forget_bias": 1.0}),
    ),
    sick(
        "noise learned by heart",
        "memorising no_better_than_baseline",
        config(task("noise"), steps=1500, lr=0.01, cell="lstm", hidden_size=50, num_layers=2),
    ),
    sick(
        "random walk",
        "echo",
        config(steps=400, cell="lstm", data=SERIES),
        series(lambda rng: np.cumsum(rng.normal(size=1500))),
    ),
    sick(
        "random walk, GRU",
        "echo",
        config(steps=400, cell="gru", data=SERIES | {"window": 20}),
        series(lambda rng: 50 + np.cumsum(rng.normal(size=3000))),
    ),
    sick(
        "stock-like walk",
        "echo",
        config(steps=400, cell="lstm", data=SERIES),
        series(lambda rng: 100 * np.exp(np.cumsum(0.01 * rng.normal(size=2000)))),
    ),
    sick(
        "rows shuffled",
        "no_temporal_order",
        config(cell="lstm", data=SERIES),
        series(lambda rng: rng.permutation(wave(rng, 1500))),
    ),
    sick(
        "white noise as a series",
        "no_temporal_order",
        config(cell="gru", data=SERIES),
        series(lambda rng: rng.normal(size=2000)),
    ),
    sick(
        "20 values and 480 zeros",
        "padding_tail",
        config(cell="lstm", steps=150, data=LONG),
        labelled(
            200,
            500,
            lambda rng, x: "up" if x[:20].mean() > 0 else "down",
            lambda rng, n: np.r_[rng.normal(size=20) + rng.choice([-0.5, 0.5]), np.zeros(n - 20)],
        ),
    ),
    sick(
        "30 values and 170 zeros, RNN",
        "padding_tail",
        config(cell="rnn", steps=150, data=LONG),
        labelled(
            200, 200, lambda rng, x: f"{x[:30].sum():.3f}", lambda rng, n: np.r_[rng.normal(size=30), np.zeros(n - 30)]
        ),
    ),
    sick(
        "93/7 labels without signal",
        "majority_only",
        config(cell="lstm", data=LONG),
        labelled(400, 20, lambda rng, x: "rare" if rng.random() < 0.07 else "usual", lambda rng, n: rng.normal(size=n)),
    ),
    sick(
        "90/10 labels without signal, GRU",
        "majority_only",
        config(cell="gru", data=LONG),
        labelled(
            400,
            30,
            lambda rng, x: "rare" if rng.random() < 0.1 else "usual",
            lambda rng, n: wave(rng, n) + rng.normal(),
        ),
    ),
    sick(
        "long T, RNN, temporal order",
        "constant_output no_better_than_baseline",
        config(task("temporal_order", seq_len=100)),
    ),
    sick(
        "Adam thrown out, IRNN",
        "thrown_out",
        config(
            task("adding", seq_len=100),
            lr=0.01,
            steps=150,
            nonlinearity="relu",
            hidden_size=100,
            init={"scheme": "identity"},
        ),
    ),
    sick(
        "RMSprop thrown out, IRNN",
        "thrown_out",
        config(
            task("adding", seq_len=100),
            lr=0.001,
            optimizer="rmsprop",
            steps=150,
            nonlinearity="relu",
            hidden_size=64,
            init={"scheme": "identity"},
        ),
    ),
    sick(
        "unscaled targets, LSTM 10",
        "target_scale",
        config(task("sines"), lr=0.1, optimizer="sgd", cell="lstm", hidden_size=10, mistake="unscaled_targets"),
    ),
    sick(
        "unscaled targets, LSTM 64",
        "target_scale",
        config(task("sines"), lr=0.1, optimizer="sgd", cell="lstm", hidden_size=64, mistake="unscaled_targets"),
    ),
    sick(
        "unscaled targets, RNN 10",
        "target_scale",
        config(task("adding"), lr=0.1, optimizer="sgd", hidden_size=10, mistake="unscaled_targets"),
    ),
    sick(
        "unscaled targets, ReLU 32",
        "target_scale",
        config(task("adding"), lr=0.1, optimizer="sgd", nonlinearity="relu", mistake="unscaled_targets"),
    ),
    sick("unscaled targets, Adam", "target_scale", config(task("adding"), cell="lstm", mistake="unscaled_targets")),
    sick(
        "1e5 from a file, SGD",
        "target_scale",
        config(lr=0.1, optimizer="sgd", cell="lstm", data=SERIES | {"scaling": "none"}),
        series(lambda rng: wave(rng, 1500, 1e5, 2e5)),
    ),
    sick(
        "300 from a file, Adam",
        "target_scale input_scale",
        config(cell="gru", data=SERIES | {"scaling": "none"}),
        series(lambda rng: wave(rng, 1500, 30, 300)),
    ),
    sick("unscaled inputs, adding", "input_scale", config(task("adding"), cell="lstm", mistake="unscaled")),
    sick("unscaled inputs, temporal order", "input_scale", config(task("temporal_order"), mistake="unscaled")),
    sick(
        "unscaled inputs, vowels",
        "input_scale",
        config({"kind": "bundled", "name": "vowels"}, cell="rnn", mistake="unscaled", steps=200),
    ),
    sick("shuffled time, sines", "no_temporal_order", config(task("sines"), cell="lstm", mistake="shuffled_time")),
    sick(
        "shuffled time, weather",
        "no_temporal_order echo",
        config({"kind": "bundled", "name": "weather"}, cell="gru", mistake="shuffled_time"),
    ),
    sick(
        "shuffled time, temporal order",
        "no_temporal_order",
        config(task("temporal_order", seq_len=20), cell="gru", mistake="shuffled_time"),
    ),
    sick(
        "shuffled time, delayed recall",
        "no_temporal_order",
        config(task("delayed_recall", delay=3, seq_len=30), cell="gru", readout="every_step", mistake="shuffled_time"),
    ),
    sick("padded, adding", "padding_tail", config(task("adding", seq_len=20), cell="lstm", mistake="padded")),
    sick("padded, sines", "padding_tail", config(task("sines", seq_len=30), cell="rnn", mistake="padded")),
    sick(
        "swapped axes, adding",
        "swapped_axes",
        config(task("adding", seq_len=20), cell="lstm", mistake="swapped_batch_and_time"),
    ),
    sick("swapped axes, sines", "swapped_axes", config(task("sines"), cell="gru", mistake="swapped_batch_and_time")),
    sick(
        "swapped axes, vowels",
        "swapped_axes",
        config({"kind": "bundled", "name": "vowels"}, cell="gru", mistake="swapped_batch_and_time"),
    ),
    sick(
        "initial weights of radius 10, parity",
        "saturated",
        config(task("parity", seq_len=20), init={"scheme": "spectral", "spectral_radius": 10}),
    ),
    sick(
        "initial weights of radius 10, SGD",
        "saturated",
        config(task("temporal_order"), lr=0.05, optimizer="sgd", init={"scheme": "spectral", "spectral_radius": 10}),
    ),
    sick(
        "initial weights of deviation 3, LSTM",
        "saturated thrown_out",
        config(task("sines"), cell="lstm", init={"scheme": "normal", "std": 3}),
    ),
    sick("parity of 30", "constant_output no_better_than_baseline", config(task("parity", seq_len=30), cell="lstm")),
)

HEALTHY = (
    healthy("adding, 20 steps, LSTM", config(task("adding", seq_len=10), steps=800, cell="lstm", lr=0.01)),
    healthy(
        "adding with attention", config(task("adding", seq_len=20), steps=500, cell="gru", readout="attention", lr=0.01)
    ),
    healthy("sines, RNN", config(task("sines"), steps=400)),
    healthy("sines, LSTM", config(task("sines"), steps=500, cell="lstm")),
    healthy("Mackey-Glass, GRU", config(task("mackey_glass"), steps=500, cell="gru")),
    healthy("Lorenz, LSTM", config(task("lorenz", seq_len=25), steps=600, cell="lstm", lr=0.01)),
    healthy(
        "delayed recall 3",
        config(task("delayed_recall", seq_len=30, delay=3), cell="gru", readout="every_step", lr=0.01),
    ),
    healthy("temporal order 20", config(task("temporal_order", seq_len=20), steps=500, cell="gru", lr=0.01)),
    healthy("text", config(task("text", seq_len=40), steps=300, cell="gru", readout="every_step", lr=0.01)),
    healthy("Reber", config(task("embedded_reber", seq_len=20), steps=300, cell="lstm", readout="every_step", lr=0.01)),
    healthy("vowels", config({"kind": "bundled", "name": "vowels"}, cell="gru")),
    healthy("weather", config({"kind": "bundled", "name": "weather", "window": 20}, steps=300, cell="lstm")),
    healthy(
        "a wave from a file", config(steps=400, cell="lstm", data=SERIES), series(lambda rng: wave(rng, 2000, 1e5, 3e5))
    ),
    healthy(
        "an AR series", config(steps=400, cell="gru", lr=0.002, data=SERIES), series(lambda rng: ar(rng, 3000, 0.7))
    ),
    healthy("SGD with momentum", config(task("sines"), steps=600, lr=0.1, optimizer="sgd")),
    healthy("clipped at 1", config(task("sines"), steps=500, clip={"method": "norm", "threshold": 1.0}, cell="gru")),
    healthy("ReLU", config(task("sines"), steps=400, nonlinearity="relu", lr=0.002)),
    healthy(
        "classes from a file",
        config(cell="gru", data=LONG),
        labelled(
            300,
            30,
            lambda rng, x: "up" if x.mean() > 0 else "down",
            lambda rng, n: rng.normal(size=n) + rng.choice([-0.6, 0.6]),
        ),
    ),
)
