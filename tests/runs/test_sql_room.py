"""All SQL stands in one room, rnncore/runs/store/: no other module has a statement in it or knows the database."""

import ast
import re
from pathlib import Path

import dashboard
import rnncore

ROOT = Path(rnncore.__file__).parents[1]
ROOM = ROOT / "rnncore" / "runs" / "store"
MODULES = [
    path
    for package in (rnncore, dashboard)
    for path in sorted(Path(package.__file__).parent.rglob("*.py"))
    if ROOM not in path.parents
]
SQL = re.compile(
    r"\b(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|ALTER\s+TABLE|PRAGMA)\b",
    re.DOTALL,
)


def imported(tree: ast.AST) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def texts(tree: ast.AST) -> list[str]:
    return [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_no_module_outside_the_room_has_sql() -> None:
    trees = {str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8")) for path in MODULES}
    assert len(trees) > 150
    assert [name for name, tree in trees.items() if "sqlite3" in imported(tree)] == []
    assert [(name, text) for name, tree in trees.items() for text in texts(tree) if SQL.search(text)] == []


def test_the_room_itself_would_be_found() -> None:
    found = [path.name for path in ROOM.glob("*.py") if any(map(SQL.search, texts(ast.parse(path.read_text("utf-8")))))]
    assert {"runs.py", "files.py", "scalars.py", "profiles.py", "snapshots.py", "migrations.py"} <= set(found)
