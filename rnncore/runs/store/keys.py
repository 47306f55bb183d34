"""Watch keys: what an id of a run or a group becomes for those who may look at it, but not steer it."""

import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256

_PURPOSE = b"RNN Gradient Lab: watch key\0"
WATCH_KEY = re.compile(r"w[A-Za-z0-9_-]{22}")  # one character more than an id, so that neither is taken for the other


@lru_cache(maxsize=65_536)
def watch_key(run_or_group: str) -> str:
    """Return the watch key of an id: SHA-256 of it, cut to 132 bits, which nobody can turn back into the id."""
    digest = sha256(_PURPOSE + run_or_group.encode()).digest()
    return "w" + urlsafe_b64encode(digest)[:22].decode()
