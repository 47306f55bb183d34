"""All benchmarks, one after another, each in a process of its own: `python -m benchmarks [NAME ...]`."""

import subprocess
import sys

BENCHMARKS = (
    "engine",
    "batched",
    "diagonal",
    "half_life",
    "watch",
    "article",
    "data",
    "background",
    "board",
    "phone",
    "microscope",
    "uploads",
    "flooding",
    "report",
    "classroom",
    "crashes",
)


def main() -> int:
    """Run the named benchmarks, or all of them; return 1 if one of them says that a target is missed."""
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"{unknown[0]}: there is no such benchmark; there are {', '.join(BENCHMARKS)}.", file=sys.stderr)
        return 2
    missed = []
    for name in names:
        print(f"\n## {name}\n", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            missed.append(name)
    print(f"\nTargets missed or not measured: {', '.join(missed)}." if missed else "\nAll targets are met.")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
