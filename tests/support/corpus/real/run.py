"""Print the verdict of every case: python -m tests.support.corpus.real.run [words of a name]"""

import sys
import time
from collections import Counter

from tests.support.corpus.real import REAL
from tests.support.corpus.real.case import verdict


def main() -> None:
    counts: Counter[str] = Counter()
    for case in REAL:
        if not all(word in case.name for word in sys.argv[1:]):
            continue
        start = time.perf_counter()
        try:
            result, wrong = verdict(case)
        except Exception as error:
            result, wrong = "wrong", [f"CRASH {error!r}"]
        counts[result if result != "asked" or case.asked else "asked needlessly"] += 1
        if result == "wrong" or (result == "asked" and not case.asked):
            print(f"{result:6} {case.name}: {'; '.join(wrong)[:400]}")
        if time.perf_counter() - start > 2:
            print("slow", case.name)
    print(dict(counts))


main()
