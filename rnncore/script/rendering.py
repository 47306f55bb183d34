"""Templates into code: values are written as Python writes them, so that no text of a user's can become code."""

import ast
import re
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateNotFound, pass_context
from jinja2.runtime import Context

from rnncore.errors import ConfigError


class Code(str):
    """A piece of our own code, which a template inserts as it is; every other value is inserted as a literal."""

    __slots__ = ()


def literal(value: Any) -> str:
    """Return a value as Python writes it, a text in double quotes where it holds none; code as it is."""
    if isinstance(value, Code):
        return value
    written = repr(value)
    plain = isinstance(value, str) and written[0] == "'" and '"' not in written
    return f'"{written[1:-1]}"' if plain else written


@pass_context
def snippet(context: Context, kind: str, key: str) -> Code:
    """Return the code of a choice, from the template kind/key.py.jinja. Raises ConfigError where there is none."""
    try:
        template = context.environment.get_template(f"{kind}/{key}.py.jinja")
    except TemplateNotFound:
        raise ConfigError(
            f"This run cannot be written as a script: there is no code for the {kind.replace('_', ' ')} {key!r}."
        ) from None
    return Code(template.render(context.get_all()).strip("\n"))


def render(name: str, facts: Mapping[str, Any]) -> str:
    """Return the code that a template makes of `facts`, without the imports and settings that nothing in it reads."""
    code = _ENVIRONMENT.get_template(name).render(facts)
    return re.sub(r"\n{4,}", "\n\n\n", _without_unread(code)).strip("\n") + "\n"


def _without_unread(code: str) -> str:
    """Leave out the lines at the top level that import a module or name a setting which nothing reads."""
    tree = ast.parse(code)
    read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    lines = code.splitlines(keepends=True)
    for node in tree.body:
        if _names(node) and not _names(node) & read:
            lines[node.lineno - 1] = ""
    return "".join(lines)


def _names(node: ast.stmt) -> set[str]:
    """The module or the setting, a name in capitals, that a statement of one line brings."""
    if isinstance(node, ast.Import):
        return {alias.asname or alias.name for alias in node.names}
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper():
        return {node.targets[0].id}
    return set()


_ENVIRONMENT = Environment(
    loader=PackageLoader("rnncore.script"),
    finalize=literal,
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters["code"] = Code
_ENVIRONMENT.globals["snippet"] = snippet
