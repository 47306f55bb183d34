"""Real tables inside of Python packages, read as uploads: a page per file, for a person to judge.

`python -m benchmarks.packages OUT`: installs five packages into an environment of its own under OUT (once), reads every
table in them, and writes OUT/pages.txt. Files of a test set beside their training set are read one by one.
"""

import argparse
import subprocess
import sys
import time
import venv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rnncore.data.dataset import DataError
from rnncore.data.files.limits import MAX_BYTES
from rnncore.data.upload import Inspection, inspect

PACKAGES = ("scikit-learn==1.7.2", "statsmodels==0.14.5", "sktime==0.39.0", "aeon==1.3.0", "vega_datasets==0.9.0")
FOLDERS = ("sklearn/datasets/data", "statsmodels/datasets", "sktime/datasets/data", "aeon/datasets/data",
           "vega_datasets/_data")  # fmt: skip
ENDINGS = (".csv", ".tsv", ".ts", ".tsf", ".arff", ".json", ".txt", ".dat", ".gz", ".npz", ".xlsx", ".parquet")
_SHOWN = 8  # notes of a page


def installed(folder: Path) -> Path:
    """Install the packages without what they depend on, where that is not done yet; return where they are."""
    environment = folder / "environment"
    if not (environment / "done").exists():
        venv.create(environment, with_pip=True)
        python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES], check=True)
        (environment / "done").touch()
    return next(environment.glob("**/site-packages"))


def tables(packages: Path) -> Iterator[Path]:
    """Yield the files of data in the packages, those that can be sent."""
    for folder in FOLDERS:
        for path in sorted((packages / folder).rglob("*")):
            if path.name.lower().endswith(ENDINGS) and 0 < path.stat().st_size <= MAX_BYTES:
                yield path


def page(path: Path, name: str) -> tuple[str, str]:
    """Return what is made of a file: "read", "asked", "refused" or "unusable", and a page that says it."""
    begun = time.process_time()
    try:
        found = inspect([(path.name, path.read_bytes())])
    except DataError as error:
        return "refused", f"{name}\n  refused: {error}"
    result = "unusable" if found.error else "asked" if found.alternatives else "read"
    lines = [f"{name}  ({path.stat().st_size:,} bytes, {time.process_time() - begun:.1f} s)", *_said(found)]
    return result, "\n  ".join(lines)


def _said(found: Inspection) -> Iterator[str]:
    options, dataset = found.options, found.dataset
    yield f"{found.layout}: {found.rows:,} rows; key {options.id!r}, clock {options.time!r}, target {options.targets}"
    if dataset:
        yield f"{dataset.target}, {dataset.input_size} inputs, windows or sequences of {dataset.seq_len}"
    if found.error:
        yield f"error: {found.error}"
    if found.reason:
        yield f"why: {found.reason}"
    yield from (f"- {note}" for note in found.notes[:_SHOWN])
    yield from (f"or: {other.title} ({other.reason})" for other in found.alternatives)


def main() -> int:
    """Write the pages and say how many there are of each kind."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="folder for the environment and the pages")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    packages = installed(out)
    counts: Counter[str] = Counter()
    with (out / "pages.txt").open("w", encoding="utf-8") as pages:
        for path in tables(packages):
            result, text = page(path, str(path.relative_to(packages)))
            counts[result] += 1
            pages.write(f"[{result}] {text}\n\n")
    print(", ".join(f"{count} {result}" for result, count in counts.most_common()), f"of {counts.total()} files")
    print(f"The pages are in '{out / 'pages.txt'}'; what they say is for a person to judge.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
