"""Tables with a sequence in each row, and those that look so but are not."""

import numpy as np

from tests.support.corpus.real.case import Case, csv
from tests.support.corpus.real.clocks import MONTHS, WALK, days

rng = np.random.default_rng(17)
ROWS_OF = {"layout": "rows"}


def curves(count: int, steps: int, classes: int, shuffled: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Return smooth curves (count, steps) whose shape depends on their class (count,), from 1."""
    kind = np.sort(np.arange(count) % classes)
    kind = rng.permutation(kind) if shuffled else kind
    time = np.linspace(0, 1, steps)
    phase = rng.uniform(0, 0.4, (count, 1))
    values = np.sin(2 * np.pi * (time * (1 + kind[:, None] % 7 / 2) + phase)) * (1 + kind[:, None] / 9) + rng.normal(
        0, 0.05, (count, steps)
    )
    return np.round(values, 4), kind + 1


def labelled(
    header: str | None,
    classes: int = 3,
    count: int = 90,
    steps: int = 30,
    last: bool = False,
    words: bool = False,
    mark: str = ",",
    shuffled: bool = True,
) -> list[tuple[str, bytes]]:
    values, kind = curves(count, steps, classes, shuffled)
    names = [f"kind{k}" for k in kind] if words else kind.tolist()
    rows = [[*row, name] if last else [name, *row] for name, row in zip(names, values.tolist(), strict=True)]
    return csv(header, rows, "x.tsv" if mark == "\t" else "x.csv", mark)


def numbered(prefix: str, count: int, first: int = 0) -> str:
    return ",".join(f"{prefix}{place}" for place in range(first, first + count))


def across(names: list[str], first: str, rows: list[list], count: int, **kwargs: object) -> list[tuple[str, bytes]]:
    values = [np.round(1000 * (1 + rng.random()) + rng.normal(0, 5, len(names)).cumsum(), 1) for _ in range(count)]
    return csv(
        f"{first},{','.join(names)}", [[*row, *value] for row, value in zip(rows, values, strict=True)], **kwargs
    )


def _labelled() -> list[Case]:
    ucr = {**ROWS_OF, "target": "multiclass", "seq_len": 30, "input_size": 1}
    mnist = [(p % 10, *rng.integers(0, 255, 60)) for p in range(120)]
    epilepsy = labelled("id," + numbered("X", 30, 1) + ",y", 5, last=True)
    del epilepsy
    values, kind = curves(80, 30, 5)
    seizure = csv(
        "Unnamed," + numbered("X", 30, 1) + ",y",
        [(f"X{p}.V1.{p + 100}", *row, k) for p, (row, k) in enumerate(zip(values.tolist(), kind, strict=True))],
    )
    heart = csv(
        None,
        [
            [*np.maximum(row, 0).round(3), *[0.0] * 6, float(k - 1)]
            for row, k in zip(values.tolist(), kind, strict=True)
        ],
    )
    return [
        Case("UCR, tabs", labelled(None, mark="\t"), {**ucr, "targets": ("column 1",), "classes": 3}),
        Case("UCR, 25 classes", labelled(None, 25, 200, mark="\t"), {**ucr, "classes": 25}),
        Case(
            "UCR, 25 classes with a header",
            labelled("class," + numbered("t", 30), 25, 200),
            {**ucr, "classes": 25, "targets": ("class",)},
        ),
        Case("UCR sorted by class", labelled(None, 4, shuffled=False), {**ucr, "classes": 4}),
        Case(
            "UCR, two classes -1 and 1",
            csv(
                None,
                [
                    [2 * (k % 2) - 1, *row]
                    for row, k in zip(*(each.tolist() for each in curves(60, 24, 2)), strict=True)
                ],
            ),
            {**ROWS_OF, "target": "binary", "targets": ("column 1",)},
        ),
        Case("label last, named", labelled(numbered("f", 30) + ",label", last=True), {**ucr, "targets": ("label",)}),
        Case("label in words", labelled("Label," + numbered("t_", 30), words=True), {**ucr, "targets": ("Label",)}),
        Case("letters 1 to 26", labelled("letter," + numbered("v", 30), 26, 520), {**ucr, "classes": 26}),
        Case("seizures", seizure, {**ROWS_OF, "targets": ("y",), "seq_len": 30, "target": "multiclass"}),
        Case(
            "heart beats padded with zeros",
            heart,
            {**ROWS_OF, "targets": ("column 37",), "target": "multiclass", "classes": 5},
        ),
        Case(
            "pixels",
            csv("label," + numbered("pixel", 60), mnist),
            {**ROWS_OF, "targets": ("label",), "classes": 10},
            asked=True,
        ),
        Case(
            "spectra with a quantity",
            csv(
                numbered("nm", 30, 900) + ",fat",
                [(*row, round(float(row[3] * 5 + 20), 2)) for row in curves(60, 30, 3)[0].tolist()],
            ),
            {**ROWS_OF, "targets": ("fat",), "target": "regression"},
        ),
        Case(
            "sonar, letters last",
            labelled(None, 2, last=True, words=True),
            {**ROWS_OF, "target": "binary", "seq_len": 30},
        ),
        Case(
            "three axes in columns",
            csv(
                ",".join(f"{a}_{t}" for a in "xyz" for t in range(12)) + ",gesture",
                [
                    (*np.concatenate(curves(3, 12, 3)[0]).round(3), "updown"[p % 2 * 2 : p % 2 * 2 + 2])
                    for p in range(40)
                ],
            ),
            {**ROWS_OF, "targets": ("gesture",), "input_size": 3, "seq_len": 12},
        ),
        Case(
            "windows of lags",
            csv("t-5,t-4,t-3,t-2,t-1,t", [WALK[p : p + 6].tolist() for p in range(300)]),
            {"target": "regression", "targets": ("t",)},
        ),
        Case(
            "weekly sales by product",
            csv(
                "Product_Code," + numbered("W", 26) + ",MIN,MAX",
                [(f"P{p}", *(row := rng.poisson(9 + p % 5, 26)), row.min(), row.max()) for p in range(60)],
            ),
            {**ROWS_OF, "seq_len": re_any()},
            asked=True,
        ),
    ]


def re_any() -> object:
    import re

    return re.compile("")


def _across() -> list[Case]:
    places = [
        ["", c, float(10 + p), float(20 - p)]
        for p, c in enumerate(["Angola", "Brazil", "Chad", "Denmark", "Egypt", "Fiji", "Ghana", "Haiti"])
    ]
    us = days("%m/%d/%y", 60)
    us = ["/".join(part.lstrip("0") for part in day.split("/")) for day in us]
    plain = {**ROWS_OF, "target": "regression", "targets": (), "rows": 8}
    pages = [[f"Page_{p}_en.wikipedia.org_all-access"] for p in range(8)]
    bank = [[c, c[:3].upper(), "GDP (current US$)", "NY.GDP.MKTP.CD"] for _, c, *_ in places]
    m5 = [
        [f"HOBBIES_1_00{p}_CA_1_validation", f"HOBBIES_1_00{p}", "HOBBIES_1", "HOBBIES", "CA_1", "CA"] for p in range(8)
    ]
    zillow = [[100 + p, p, c, "msa", ["TX", "CA"][p % 2]] for p, (_, c, *_) in enumerate(places)]
    load = [
        [d, *np.round(300 + 90 * np.sin((np.arange(24) - 8) / 24 * 2 * np.pi) + rng.normal(0, 3, 24), 1)]
        for d in days("%Y-%m-%d", 40)
    ]
    return [
        Case("countries by days", across(us, "Country", [[row[1]] for row in places], 8), plain),
        Case("provinces and places by days", across(us, "Province/State,Country/Region,Lat,Long", places, 8), plain),
        Case("pages by days", across(days("%Y-%m-%d", 50), "Page", pages, 8), plain),
        Case(
            "World Bank",
            across(
                [str(y) for y in range(1960, 2020)], "Country Name,Country Code,Indicator Name,Indicator Code", bank, 8
            ),
            plain,
        ),
        Case(
            "World Bank with years in brackets",
            across(
                [f"{y} [YR{y}]" for y in range(1980, 2020)],
                "Country Name,Series Name",
                [[row[0], row[2]] for row in bank],
                8,
            ),
            plain,
        ),
        Case(
            "M5", across([f"d_{p}" for p in range(1, 61)], "id,item_id,dept_id,cat_id,store_id,state_id", m5, 8), plain
        ),
        Case(
            "Zillow",
            across(days("%Y-%m-%d", 40, step=30), "RegionID,SizeRank,RegionName,RegionType,StateName", zillow, 8),
            plain,
        ),
        Case(
            "months across",
            across(
                [f"{m}-{y}" for y in range(15, 20) for m in [*MONTHS]],
                "Series",
                [[f"s{p}"] for p in range(8)],
                8,
            ),
            plain,
        ),
        Case(
            "quarters across",
            across(
                [f"{y}Q{q}" for y in range(2005, 2020) for q in range(1, 5)], "Region", [[f"r{p}"] for p in range(8)], 8
            ),
            plain,
        ),
        Case(
            "newest first across",
            across([str(y) for y in range(2019, 1989, -1)], "Country", [[row[1]] for row in places], 8),
            plain,
        ),
        Case(
            "M4",
            csv(
                "V1," + ",".join(f"V{p}" for p in range(2, 60)),
                [
                    (
                        f"Y{u}",
                        *np.round(5000 + rng.normal(0, 30, 58).cumsum(), 1)[: 58 - 4 * u],
                        *[""] * (4 * u),
                    )
                    for u in range(8)
                ],
            ),
            {**plain},
        ),
        Case(
            "hours across, a day in each row",
            csv("Date," + ",".join(f"H{p}" for p in range(1, 25)), load),
            {"layout": "series", "rows": 960, "first": {"value": [float(v) for v in load[0][1:6]]}},
        ),
        Case(
            "half-hours across",
            csv(
                "date," + ",".join(f"{p // 2:02d}:{p % 2 * 30:02d}" for p in range(48)),
                [[row[0], *np.repeat(row[1:], 2).round(1)] for row in load],
            ),
            {"layout": "series", "rows": 1920},
        ),
    ]


def _not_rows() -> list[Case]:
    series = {"layout": "series"}
    meters = np.round(
        50
        + 20 * np.sin(np.arange(300)[:, None] / 24 * 2 * np.pi) * (1 + np.arange(30) / 30)
        + rng.normal(0, 2, (300, 30)),
        2,
    )
    rates = np.round(1 + 0.2 * np.arange(8) + rng.normal(0, 0.01, (400, 8)).cumsum(0), 5)
    walks = rng.normal(size=(400, 20)).cumsum(0).round(3)
    card = [
        (p, *np.round(rng.normal(size=12), 4), round(float(rng.lognormal(3)), 2), int(p % 97 == 0)) for p in range(500)
    ]
    plant = [[*row.round(3), int(p > 250)] for p, row in enumerate(walks)]
    return [
        Case(
            "electricity meters",
            csv(
                "date," + ",".join(f"MT_{p:03d}" for p in range(30)),
                [(d, *row) for d, row in zip(days("%Y-%m-%d", 300), meters.tolist(), strict=True)],
            ),
            {**series, "time": "date", "input_size": 30},
        ),
        Case("electricity meters without a clock", csv(numbered("MT_", 30), meters.tolist()), series),
        Case("exchange rates, no header", csv(None, rates.tolist(), "exchange_rate.txt"), {**series, "input_size": 8}),
        Case("traffic sensors, no header", csv(None, walks.tolist(), "traffic.txt"), {**series, "input_size": 20}),
        Case("traffic sensors named by numbers", csv(numbered("", 20), walks.tolist()), series),
        Case(
            "numbered sensors and a fault", csv(numbered("x", 20) + ",fault", plant), {**series, "targets": ("fault",)}
        ),
        Case("credit cards", csv("Time," + numbered("V", 12, 1) + ",Amount,Class", card), {**series, "time": "Time"}),
        Case(
            "transformer",
            csv(
                "date,HUFL,HULL,MUFL,MULL,LUFL,LULL,OT",
                [(d, *row[:7]) for d, row in zip(days("%Y-%m-%d %H:00:00", 300), walks.tolist(), strict=False)],
                "ETTh1.csv",
            ),
            {**series, "time": "date", "targets": ("OT",)},
        ),
        Case("two waves", csv("a,b", list(zip(WALK, WALK[::-1], strict=True))), series),
    ]


ROWS = _labelled() + _across() + _not_rows()
