"""The error for a configuration that cannot run; data that cannot be used is a `DataError` (rnncore.data.dataset)."""

from typing import Any


class ConfigError(ValueError):
    """Fields that are valid one by one but cannot run together, on this data or on this machine.

    The message is one plain sentence for the user: field, value, what is allowed.
    """


def not_allowed(field: str, value: Any, why: str, allowed: str) -> ConfigError:
    """Return the error in its one form: `field: value is not allowed WHY; allowed: ALLOWED`; `why` may be empty."""
    return ConfigError(f"{field}: {value!r} is not allowed{' ' * bool(why)}{why}; allowed: {allowed}")
