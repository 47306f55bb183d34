"""How large uploaded data may be; checked before memory is spent."""

MAX_BYTES = 20_000_000  # of all files of a data set together
MAX_UNPACKED_BYTES = 100_000_000  # of a Parquet or NPZ file, once decompressed
MAX_FILES = 1_000
MAX_ROWS = 2_000_000
MAX_COLUMNS = 2_000
MAX_CELLS = 10_000_000  # as many as a text file of MAX_BYTES can hold
MAX_CLASSES = 1_000
MAX_CATEGORIES = 50  # different words of a text column that can still become one-hot inputs
MAX_INPUTS = 500  # input features after one-hot encoding
MAX_INPUT_VALUES = 50_000_000  # timesteps x inputs after one-hot encoding
MAX_VALIDATION_VALUES = 20_000_000  # sequences x timesteps x inputs of the validation set
MAX_MEMBERS = 1_000  # files in an archive
MAX_RATIO = 100  # how many times its own size an archive may unpack to
MAX_ANSWER_CELLS = 5_000_000  # rows x columns of predictions that a server gives out
MAX_RECOGNISED = 200  # characters of a cell that are looked at to find out what it is; no number is longer
LARGEST = 1e100  # squares of larger values do not fit into float64
