"""The board's JavaScript modules as one inline script, for pages that cannot load files."""

import re
from pathlib import Path

STATIC = Path(__file__).parents[1] / "static"
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function|const|let) (\w+))", re.MULTILINE)


def inline_modules(names: tuple[str, ...]) -> str:
    """Return static/NAME.js of all `names`, each in a scope of its own under its name, in an order that fits imports.

    Raises ValueError for a form of import or export that is not known here.
    """
    return "\n".join(_scope(name) for name in names)


def _scope(name: str) -> str:
    code = (STATIC / f"{name}.js").read_text("utf-8")
    exported = _EXPORT.findall(code)
    code = _EXPORT.sub("", _IMPORT.sub(r"const {\1} = \2;", code))
    if left := re.search(r"^(import|export)\b.*", code, re.MULTILINE):
        raise ValueError(f"{name}.js: cannot inline {left[0]!r}")
    return f"const {name} = (() => {{\n{code}\nreturn {{ {', '.join(exported)} }};\n}})();\n"
