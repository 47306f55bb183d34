"""Links into an environment what its rnn-gradient-lab says it needs, from the environment that runs this.

Usage: python .ci/link_packages.py ENVIRONMENT [EXTRA]
"""

import re
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

OURS = "rnn-gradient-lab"


def needed(of: Distribution, extra: str, known: dict[str, Distribution]) -> dict[str, Distribution]:
    """Return the distributions that one needs, and what these need, by name; `known` is added to."""
    for text in of.requires or ():
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in known:
            continue
        found = distribution(name)
        if not requirement.specifier.contains(found.version, prereleases=True):
            raise SystemExit(f"{text} is needed, and {found.version} is what .venv has")
        known[name] = found
        for own in requirement.extras or {""}:
            needed(found, own, known)
    return known


def main() -> None:
    """Link each package's folders and modules."""
    environment, extra = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    command = [environment / "bin" / "python", "-c", ask]
    site = Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())
    (metadata,) = site.glob(f"{OURS.replace('-', '_')}-*.dist-info")
    for each in needed(Distribution.at(metadata), extra, {}).values():
        tops = {file.parts[0] for file in each.files or () if file.parts[0] not in ("..", "__pycache__")}
        for top in sorted(tops):
            link = site / top
            if not link.exists():
                link.symlink_to(Path(str(each.locate_file(top))).resolve())


main()
