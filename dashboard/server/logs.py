"""Structured logs: one JSON object per line on standard error, without anything that opens a run."""

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from typing import Any

LEVEL_VARIABLE = "RNNLAB_LOG_LEVEL"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOGGERS = ("rnncore", "dashboard")
_ID = re.compile(r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]*[A-Z0-9])[A-Za-z0-9_-]{22,64}(?![A-Za-z0-9_-])")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JSONFormatter(logging.Formatter):
    """time, level, logger, event, message, what was given as `extra`, and the traceback of an error.

    Ids of runs and workspaces are capabilities: of anything that looks like one, six characters are kept.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": getattr(record, "event", "log"),
            "message": record.getMessage(),
        }
        fields |= {name: value for name, value in vars(record).items() if name not in _STANDARD and name != "event"}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(shortened(fields), default=str)


def shortened(value: Any) -> Any:
    """Return `value` with every id in it cut to six characters."""
    if isinstance(value, str):
        return _ID.sub(lambda match: match[0][:6] + "...", value)
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [shortened(item) for item in value]
    return value


def configure_logs() -> None:
    """Send the product's own logs to standard error as JSON, from the level in RNNLAB_LOG_LEVEL on (INFO)."""
    level = os.environ.get(LEVEL_VARIABLE, "INFO").upper()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(level if level in LEVELS else "INFO")
    if level not in LEVELS:
        logging.getLogger(__name__).warning(
            "%s: %r is not allowed; allowed: %s", LEVEL_VARIABLE, level, ", ".join(LEVELS)
        )
