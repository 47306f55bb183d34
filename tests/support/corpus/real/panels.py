"""Many series in one table, in blocks: told apart by one column or several, or by nothing at all."""

import numpy as np

from tests.support.corpus.real.case import Case, csv
from tests.support.corpus.real.clocks import SEASON, WALK, days

rng = np.random.default_rng(16)
LONG = {"layout": "long"}
CITIES = ["Oslo", "Lima", "Cairo", "Quito"]


def walk(count: int, start: float = 100, step: float = 1) -> np.ndarray:
    return np.round(start + rng.normal(0, step, count).cumsum(), 2)


def engines(units: int = 5, equal: bool = False) -> list[list[float]]:
    rows = []
    for unit in range(units):
        length = 60 if equal else 40 + 13 * unit % 37
        wear = np.linspace(0, 3, length) ** 2
        for cycle in range(length):
            noise = rng.normal(size=4)
            rows.append(
                [
                    unit + 1,
                    cycle + 1,
                    *np.round(
                        [
                            0.4 * noise[0],
                            640 + wear[cycle] + noise[1],
                            1590 + 2 * wear[cycle] + noise[2],
                            0.02 * noise[3],
                        ],
                        4,
                    ),
                ]
            )
    return rows


def sensors(width: int) -> list[list[float]]:
    return [
        [row[0], row[1], *np.round(600 + 10 * np.arange(width) + row[3] + rng.normal(size=width), 2)]
        for row in engines()
    ]


def _blocks() -> list[Case]:
    rows = engines()
    lengths = len({row[0] for row in rows})
    expect = {**LONG, "sequences": lengths}
    subjects = [(f"S{who}", *np.round(rng.normal(size=3) + who, 3)) for who in range(6) for _ in range(80)]
    newest = [(name, d, v) for name in CITIES for d, v in zip(days("%Y-%m-%d", 90)[::-1], walk(90), strict=False)]
    lab = [(run, round(0.5 * step, 1), *np.round(walk(2) / 100, 3)) for run in range(1, 13) for step in range(30 + run)]
    temps = [(city, *row) for city in CITIES for row in zip(days("%d.%m.%Y", 120), walk(120, 15), strict=False)]
    turn = [(row[0], 200 - row[1], *row[2:]) for row in engines()]
    return [
        Case(
            "engines by unit and cycle",
            csv("Unit_No,Cycle,r,s", [row[:4] for row in rows]),
            {**expect, "id": "Unit_No", "time": "Cycle"},
        ),
        Case(
            "turbofan, no header",
            csv(None, [[*row, ""] for row in sensors(21)], "train_FD001.txt", " "),
            {**expect, "id": "column 1", "time": "column 2"},
        ),
        Case(
            "turbofan, named",
            csv("unit_number,time_cycles," + ",".join(f"s_{n}" for n in range(1, 22)), sensors(21)),
            {**expect, "id": "unit_number", "time": "time_cycles"},
        ),
        Case(
            "engines without telling names",
            csv("a,b,c,d", [row[:4] for row in rows]),
            {**expect, "id": "a", "time": "b"},
        ),
        Case(
            "engines of equal length",
            csv("id,cycle,x,y", [row[:4] for row in engines(6, equal=True)]),
            {**LONG, "sequences": 6, "id": "id", "time": "cycle"},
        ),
        Case(
            "engines that count down",
            csv("engine,RUL,x,y", [row[:4] for row in turn]),
            {**LONG, "id": "engine", "sequences": 5},
        ),
        Case("subjects without a clock", csv("subject,ax,ay,az", subjects), {**LONG, "id": "subject", "sequences": 6}),
        Case(
            "cities one below the other",
            csv("City;Date;Temp", temps, mark=";"),
            {**LONG, "id": "City", "time": "Date", "sequences": 4, "targets": ("Temp",)},
        ),
        Case(
            "stocks newest first in blocks",
            csv("Symbol,Date,Close", newest),
            {**LONG, "id": "Symbol", "time": "Date", "sequences": 4, "note": "newest first"},
        ),
        Case(
            "runs with a clock in seconds",
            csv("run,t,u,v", [row for row in lab if row]),
            {**LONG, "id": "run", "time": "t", "sequences": 12},
        )
        if False
        else Case(
            "runs with a clock in seconds",
            csv(
                "run,t,u",
                [(run, round(0.5 * step, 1), v) for run in range(1, 13) for step, v in enumerate(walk(30 + run))],
            ),
            {**LONG, "id": "run", "time": "t", "sequences": 12},
        ),
        Case(
            "days and hours are no panel",
            csv("day,hour,load", [(1 + p // 24, p % 24, v) for p, v in enumerate(WALK[:360])]),
            {"layout": "series", "first": {"load": WALK[:5].tolist()}},
        ),
        Case(
            "days and hours under other names",
            csv("d,h,load", [(1 + p // 24, p % 24, v) for p, v in enumerate(WALK[:360])]),
            {"layout": "series", "first": {"load": WALK[:5].tolist()}},
            asked=True,
        ),
        Case(
            "seasons and rounds in one",
            csv("Year,Month,Rain", [(1950 + p // 12, p % 12 + 1, v) for p, v in enumerate(SEASON)]),
            {"layout": "series", "time": "Year + Month", "first": {"Rain": SEASON[:5].tolist()}},
        ),
        Case(
            "activity in blocks of one recording",
            csv(
                "timestamp,x,y,z,activity",
                [
                    (100 + 20 * p, *np.round(rng.normal(size=3), 3), ["sit", "walk", "run"][p // 100])
                    for p in range(300)
                ],
            ),
            {"layout": "series", "time": "timestamp", "targets": ("activity",), "target": "multiclass"},
        ),
        Case(
            "WISDM",
            csv(
                "user,activity,timestamp,x,y,z",
                [
                    (who, ["walk", "jog", "sit"][p // 40], 49105962 + 50 * p, *np.round(rng.normal(size=3), 3))
                    for who in (33, 17, 29, 6)
                    for p in range(120)
                ],
            ),
            {**LONG, "id": "user", "time": "timestamp", "targets": ("activity",)},
        ),
        Case(
            "HAR with subject and activity",
            csv(
                "tBodyAcc-mean()-X,tBodyAcc-mean()-Y,tBodyAcc-std()-X,subject,Activity",
                [
                    (
                        *np.round(rng.normal(size=3) + p // 30 % 3, 4),
                        1 + p // 90,
                        ["STANDING", "SITTING", "WALKING"][p // 30 % 3],
                    )
                    for p in range(540)
                ],
            ),
            {"layout": "long", "id": "subject", "targets": ("Activity",)},
            asked=True,
        ),
        Case(
            "a long form already in order",
            csv("id,step,value,label", [(u, t, v, u % 2) for u in range(20) for t, v in enumerate(walk(12))]),
            {
                **LONG,
                "id": "id",
                "time": "step",
                "targets": ("label",),
                "target": "binary",
                "sequences": 20,
                "without": "sorted|turned",
            },
        ),
        Case(
            "a long form shuffled",
            csv(
                "id,step,value,label",
                rng.permutation([(u, t, v, u % 2) for u in range(20) for t, v in enumerate(walk(12))])
                .round(2)
                .tolist(),
            ),
            {**LONG, "id": "id", "time": "step", "targets": ("label",), "sequences": 20, "note": "sorted"},
        ),
        Case(
            "patients of unequal length",
            csv(
                "patient_id,visit,bp,hr,outcome",
                [(900 + u, t, *np.round(rng.normal(size=2), 2), u % 3) for u in range(30) for t in range(4 + u % 5)],
            ),
            {
                **LONG,
                "id": "patient_id",
                "time": "visit",
                "targets": ("outcome",),
                "target": "multiclass",
                "sequences": 30,
            },
        ),
        Case(
            "episodes with a restart and no key",
            csv("step,pos,vel", [(t, *np.round(rng.normal(size=2), 3)) for u in range(10) for t in range(20 + u)]),
            {"layout": "series", "time": "", "first": {}},
            asked=True,
        ),
    ]


BLOCKS = _blocks()
