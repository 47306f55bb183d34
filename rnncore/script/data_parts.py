"""Parts of a script that make its data: per task a `sample` in plain numpy, per kind of data its batches.

The parts are code as it stands in the script. Names in capitals are settings (`rnncore.script.settings`);
`<, lengths>` becomes `, lengths` where sequences differ in length, else nothing.
"""

# Random sequences at every step: all randomness comes from (seed, step).
FRESH = '''
def train_batch(step):
    """New random sequences at every step, from the seed and the number of the step alone."""
    return sample(np.random.default_rng((SEED, step)), BATCH_SIZE)


validation = sample(np.random.default_rng((1, 0, 0x5EED)), 256)  # another random stream than any training batch
'''

# A finite training set, visited once per epoch in a random order.
FINITE = '''
def train_batch(step):
    """The next rows of the training set; every epoch visits all of them, in an order of its own."""
    size = len(train[0])
    epoch, index = divmod(step - 1, -(-size // BATCH_SIZE))
    rows = np.random.default_rng((SEED, epoch + 1)).permutation(size)[index * BATCH_SIZE : (index + 1) * BATCH_SIZE]
    return tuple(array[rows] for array in train)
'''

ADDING = '''
def sample(rng, count):
    """Random numbers and markers (B, T, 2); the target is the sum of the two marked numbers (B, 1)."""
    inputs = np.zeros((count, SEQ_LEN, 2), np.float32)
    inputs[:, :, 0] = rng.random((count, SEQ_LEN), np.float32)
    rows, half = np.arange(count), SEQ_LEN // 2
    first, second = rng.integers(0, half, count), rng.integers(half, SEQ_LEN, count)
    inputs[rows, first, 1] = inputs[rows, second, 1] = 1
    return inputs, (inputs[rows, first, 0] + inputs[rows, second, 0])[:, None]
'''

TEMPORAL_ORDER = '''
def sample(rng, count):
    """One-hot symbols (B, T, 6): relevant ones (0, 1) hidden among distractors; the class is their order (B,)."""
    symbols = rng.integers(2, 6, (count, SEQ_LEN))
    targets = np.zeros(count, np.int64)
    for bit, share in enumerate((0.1, 0.5) if SYMBOLS == 2 else (0.1, 0.3, 0.6)):
        places = int(SEQ_LEN * share) + rng.integers(0, int(SEQ_LEN * 0.1), count)
        values = rng.integers(0, 2, count)
        symbols[np.arange(count), places] = values
        targets += values << bit
    return np.eye(6, dtype=np.float32)[symbols], targets
'''

COPY_MEMORY = '''
def sample(rng, count):
    """Symbols of 8, a blank stretch (8), a marker (9): at the end the symbols are to be repeated; a target per step."""
    total = SEQ_LEN + 2 * SYMBOLS
    words = rng.integers(0, 8, (count, SYMBOLS))
    stream = np.full((count, total), 8)
    stream[:, :SYMBOLS] = words
    stream[:, SYMBOLS + SEQ_LEN - 1] = 9
    targets = np.full((count, total), 8, np.int64)
    targets[:, -SYMBOLS:] = words
    return np.eye(10, dtype=np.float32)[stream], targets
'''

_DELAYED = '''
def sample(rng, count):
    """A stream of random bits as -1 and 1 (B, T, 1); WHAT (B, T)."""
    bits = rng.integers(0, 2, (count, SEQ_LEN))
    targets = np.zeros((count, SEQ_LEN), np.int64)
    for lag in LAGS:
        targets[:, lag:] ^= bits[:, :-lag]
    return (2 * bits - 1).astype(np.float32)[:, :, None], targets
'''
DELAYED_RECALL = _DELAYED.replace("WHAT", "target: the bit of DELAY steps ago").replace("LAGS", "(DELAY,)")
DELAYED_XOR = _DELAYED.replace("WHAT", "target: whether the bits of DELAY and 2 DELAY steps ago differ").replace(
    "LAGS", "(DELAY, 2 * DELAY)"
)

PARITY = '''
def sample(rng, count):
    """Random signs (B, T, 1); the target is 1 where their product is positive (B, 1)."""
    signs = (2 * rng.integers(0, 2, (count, SEQ_LEN)) - 1).astype(np.float32)
    return signs[:, :, None], (signs.prod(1, keepdims=True) > 0).astype(np.float32)
'''

NOISE = '''
def sample(rng, count):
    """Random numbers with random targets: there is nothing to learn but the training set itself."""
    return rng.random((count, SEQ_LEN, 1), np.float32), rng.random((count, 1), np.float32)


train = sample(np.random.default_rng((2, 0, 0x5EED)), 100)
validation = sample(np.random.default_rng((1, 0, 0x5EED)), 256)
'''

EMBEDDED_REBER = '''
ALPHABET = "BTSXPVE"
# Reber's grammar: state -> "symbol, next state" each; the embedded grammar holds it twice, after T and after P.
REBER = {0: "B1", 1: "T2 P3", 2: "S2 X4", 3: "T3 V5", 4: "X3 S6", 5: "P4 V6", 6: "E7"}
following = np.full((20, 7), -1)  # (state, symbol) -> next state, -1 where the symbol is not allowed; 19 is the end
arrows = [(0, "B", 1), (1, "T", 2), (1, "P", 10), (18, "E", 19)]
for symbol, first in (("T", 2), ("P", 10)):
    arrows += [(first + state, a[0], first + int(a[1])) for state, row in REBER.items() for a in row.split()]
    arrows.append((first + 7, symbol, 18))  # the last but one symbol repeats the second
for state, symbol, target in arrows:
    following[state, ALPHABET.index(symbol)] = target


def random_words(rng, count, longest):
    """Random walks through the grammar, those longer than `longest` drawn again."""
    words = []
    while len(words) < count:
        state, word = 0, []
        while state != 19:
            word.append(int(rng.choice(np.flatnonzero(following[state] >= 0))))
            state = int(following[state, word[-1]])
        if len(word) <= longest:
            words.append(word)
    return words


def batch_of(words, steps):
    """One-hot symbols (N, T, 7), the symbol that comes next at each step (N, T), and how many steps count (N,)."""
    lengths = np.array([len(word) - 1 for word in words])
    inputs, targets = np.zeros((len(words), steps, 7), np.float32), np.zeros((len(words), steps), np.int64)
    for row, word in enumerate(words):
        inputs[row, np.arange(len(word) - 1), word[:-1]] = 1
        targets[row, : len(word) - 1] = word[1:]
    return inputs, targets, lengths


words = [random_words(np.random.default_rng((stream, 0, 0x5EED)), 256, max(SEQ_LEN, 9)) for stream in (2, 1)]
steps = max(len(word) for part in words for word in part) - 1
train, validation = (batch_of(part, steps) for part in words)
'''

_SINES = """
t = np.arange(20_000 + 10 * SEQ_LEN)[:, None]
values = np.sin(t * np.array([0.2, 0.311, 0.42])).mean(1, keepdims=True)  # (N, 1)
"""

_MACKEY_GLASS = """
x = [0.0] * 17 + [1.2]
for _ in range(20_000 + 10 * SEQ_LEN + 1_000):  # the first thousand steps are thrown away
    x.append(x[-1] + 0.2 * x[-18] / (1 + x[-18] ** 10) - 0.1 * x[-1])  # growth depends on the value 17 steps ago
values = np.array(x[-20_000 - 10 * SEQ_LEN :])[:, None]
values = (values - values.mean(0)) / values.std(0)  # (N, 1)
"""

_LORENZ = '''
def slope(x, y, z):
    """Lorenz's equations."""
    return 10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z


count, h = 20_000 + 10 * SEQ_LEN + 1_000, 0.03
values = np.empty((count, 3))
x, y, z = 1.0, 1.0, 1.0
for row in range(count):  # Runge-Kutta steps
    values[row] = x, y, z
    a = slope(x, y, z)
    b = slope(x + h / 2 * a[0], y + h / 2 * a[1], z + h / 2 * a[2])
    c = slope(x + h / 2 * b[0], y + h / 2 * b[1], z + h / 2 * b[2])
    d = slope(x + h * c[0], y + h * c[1], z + h * c[2])
    x += h / 6 * (a[0] + 2 * b[0] + 2 * c[0] + d[0])
    y += h / 6 * (a[1] + 2 * b[1] + 2 * c[1] + d[1])
    z += h / 6 * (a[2] + 2 * b[2] + 2 * c[2] + d[2])
values = values[1_000:]
values = (values - values.mean(0)) / values.std(0)  # (N, 3)
'''

_FORECAST = '''
values = values.astype(np.float32)
border = int(0.8 * len(values))  # the last fifth is for validation
train_windows, held_out = (
    np.lib.stride_tricks.sliding_window_view(part, SEQ_LEN + 1, axis=0).swapaxes(1, 2)
    for part in (values[:border], values[border:])
)  # (N, T + 1, F) each: T points to see, and the next one to say
held_out = held_out[np.linspace(0, len(held_out) - 1, 256).astype(np.int64)]
validation = held_out[:, :-1], held_out[:, -1]


def train_batch(step):
    """Random windows, from the seed and the number of the step alone."""
    rows = np.random.default_rng((SEED, step)).integers(0, len(train_windows), BATCH_SIZE)
    return train_windows[rows, :-1], train_windows[rows, -1]
'''

# One long text, bundled or uploaded, cut into windows.
TEXT = '''
with open(FILE, encoding="utf-8", newline="") as file:  # must lie beside this script
    codes = np.frombuffer(file.read().encode("utf-32-le"), np.uint32)  # a number per character
border = round(len(codes) * (1 - VAL_FRACTION))  # the end of the text is for validation
known, counts = np.unique(codes[:border], return_counts=True)  # the alphabet
if len(known) > 256:  # rare characters, and those that only the end has, share one more symbol
    known = np.sort(known[np.argsort(-counts, kind="stable")[:255]])
places = np.searchsorted(known, codes).clip(max=len(known) - 1)
symbols = np.where(known[places] == codes, places, len(known))
train_windows, held_out = (
    np.lib.stride_tricks.sliding_window_view(part, SEQ_LEN + 1) for part in (symbols[:border], symbols[border:])
)
kept = min(128, max(1, 20_000_000 // (SEQ_LEN * INPUT_SIZE)))  # windows to validate on, evenly spaced
if kept < len(held_out):
    held_out = held_out[np.linspace(0, len(held_out) - 1, kept).round().astype(np.int64)]


def batch_of(windows):
    """Characters as one-hot rows (B, T, V); target: the character that comes next at each step (B, T)."""
    return np.eye(INPUT_SIZE, dtype=np.float32)[windows[:, :-1]], windows[:, 1:].astype(np.int64)


def train_batch(step):
    """Random windows, from the seed and the number of the step alone."""
    rows = np.random.default_rng((SEED, step)).integers(0, len(train_windows), BATCH_SIZE)
    return batch_of(train_windows[rows])


validation = batch_of(held_out)
'''

TASK_PARTS = {
    "adding": ADDING + "\n" + FRESH,
    "temporal_order": TEMPORAL_ORDER + "\n" + FRESH,
    "copy_memory": COPY_MEMORY + "\n" + FRESH,
    "delayed_recall": DELAYED_RECALL + "\n" + FRESH,
    "delayed_xor": DELAYED_XOR + "\n" + FRESH,
    "parity": PARITY + "\n" + FRESH,
    "embedded_reber": EMBEDDED_REBER + "\n" + FINITE,
    "sines": _SINES + _FORECAST,
    "mackey_glass": _MACKEY_GLASS + _FORECAST,
    "lorenz": _LORENZ + _FORECAST,
    "noise": NOISE + "\n" + FINITE,
}

# One long series in a CSV file, cut into windows.
SERIES = '''
with open(FILE, encoding="utf-8", newline="") as file:  # must lie beside this script
    values = np.array([float(row[COLUMN] or "nan") for row in csv.DictReader(file)])
there = np.flatnonzero(~np.isnan(values))
values = values[there[0] : there[-1] + 1]  # missing values at the ends are left out ...
border = round(len(values) * (1 - VAL_FRACTION))  # the end of the series is for validation


def filled(part):
    """... and those in between are interpolated, from this part alone."""
    missing, places = np.isnan(part), np.arange(len(part))
    return np.where(missing, np.interp(places, places[~missing], part[~missing]), part)


def windows(part):
    """All windows (N, T, 1) of a part, and the value HORIZON steps after each of them (N, 1)."""
    part = part.astype(np.float32)
    count = len(part) - SEQ_LEN - HORIZON + 1
    inputs = np.lib.stride_tricks.sliding_window_view(part, SEQ_LEN)[:count]
    return inputs[:, :, None], part[SEQ_LEN + HORIZON - 1 :, None]


past, future = filled(values[:border]), filled(values[border:])
mean, std = past.mean(), past.std()  # scaled by what was known before the border
train, validation = windows((past - mean) / std), windows((future - mean) / std)
if len(validation[0]) > 512:  # evenly spaced ones are enough
    chosen = np.linspace(0, len(validation[0]) - 1, 512).round().astype(np.int64)
    validation = tuple(array[chosen] for array in validation)
'''

# Any other finite data: the sequences as the lab prepared them, in a file beside the script.
ARRAYS = """
with np.load(FILE) as arrays:  # the sequences as the lab prepared them; must lie beside this script
    train = tuple(arrays[f"train_{name}"] for name in ("inputs", "targets"<, lengths_name>))
    validation = tuple(arrays[f"validation_{name}"] for name in ("inputs", "targets"<, lengths_name>))
"""
