"""How it shows that a run needs more memory than it may use, and what is told of it."""

import re

EXIT_CODE = 77  # of a worker that could not even say so in a frame
# As Python, numpy, torch, oneDNN, the C++ library, Rust and OpenMP put it; some of them end the process with it.
_SAID = re.compile(
    r"MemoryError|bad_alloc|allocat\w* memory|unable to allocate|memory allocation of \d+ bytes failed|out of memory"
    r"|not enough memory|could not create a (primitive|memory|engine|stream)|can't start new thread"
    r"|failed to map segment|std::system_error.*Resource temporarily unavailable",
    re.IGNORECASE | re.DOTALL,
)


def speaks_of_memory(text: str) -> bool:
    """Tell whether an error's message, or what a process said before it died, means that memory ran out."""
    return _SAID.search(text) is not None


def out_of_memory(limit_mb: int | None) -> str:
    """Return what is told of such a run; limit_mb: what it may use, None for all that there is."""
    limit = f" than the {limit_mb:,} MB a run may use" if limit_mb else " than there is"
    return f"Out of memory: this run needs more{limit}; a smaller model, batch or sequence length needs less."
