"""The JavaScript modules as one script, inline in pages that cannot load files, one request where each costs time."""

import json
import re
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parents[1] / "static"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', re.MULTILINE)
_TYPES = re.compile(r"^ */\*\*.*?\*/ *\n?", re.MULTILINE | re.DOTALL)  # what only tsc reads
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function|const|let) (\w+))", re.MULTILINE)


def inline_modules(entry: str) -> str:
    """Return static/ENTRY.js and all that it imports, each in a scope of its own under its name, in order.

    Raises ValueError for a form of import or export that is not known here.
    """
    scopes: dict[str, str] = {}
    _add(entry, scopes)
    return "\n".join(scopes.values())


def as_one_module(entry: str, exported: str) -> str:
    """Return the same as a module of its own, which exports one name of the entry."""
    return f"{inline_modules(entry)}\nexport const {exported} = {entry}.{exported};\n"


def json_in_html(value: Any) -> str:
    """Return a value as JSON that can stand inside an element `script`, whatever it holds. No NaN."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _add(name: str, scopes: dict[str, str]) -> None:
    code = _TYPES.sub("", (STATIC / f"{name}.js").read_text("utf-8"))
    for _, imported in _IMPORT.findall(code):
        if imported not in scopes:
            _add(imported, scopes)
    exported = _EXPORT.findall(code)
    if name in exported:
        raise ValueError(f"{name}.js: exports its own name, which is that of its scope")
    code = _EXPORT.sub("", _IMPORT.sub(r"const {\1} = \2;", code))
    if left := re.search(r"^(import|export)\b.*", code, re.MULTILINE):
        raise ValueError(f"{name}.js: cannot inline {left[0]!r}")
    scopes[name] = f"const {name} = (() => {{\n{code}\nreturn {{ {', '.join(exported)} }};\n}})();\n"
