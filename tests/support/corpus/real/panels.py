"""Many series in one table: told apart by one column or several, in blocks or interleaved, or by nothing at all."""

from datetime import date, timedelta

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


def _interleaved() -> list[Case]:
    keys = [(d, store, item) for d in days("%Y-%m-%d", 60) for store in (1, 2) for item in (1, 2, 3)]
    sales = [(*key, 20 + 7 * key[1] + key[2] + int(rng.integers(0, 9))) for key in keys]
    by_store = sorted(sales, key=lambda row: (row[1], row[2], row[0]))
    three = [
        (p, d, c, s, k, int(rng.integers(90, 900)))
        for p, (d, c, s, k) in enumerate(
            (d, c, s, k)
            for d in days("%Y-%m-%d", 40)
            for c in ("Belgium", "France", "Spain")
            for s in ("KaggleMart", "KaggleRama")
            for k in ("Mug", "Hat", "Sticker")
        )
    ]
    walmart = [
        (s, dep, d, round(float(rng.normal(20_000, 900)), 2), d.endswith("05"))
        for s in (1, 2)
        for dep in (1, 2, 3, 7)
        for d in days("%Y-%m-%d", 50, date(2010, 2, 5), 7)
    ]
    stocks = [
        (d, n, *np.round(b + rng.normal(size=2), 2))
        for d in days("%Y-%m-%d", 100)
        for n, b in (("AAPL", 150), ("MSFT", 300), ("XOM", 80))
    ]
    covid = [
        (iso, c, w, d, int(p * 10 + rng.integers(0, 9)))
        for iso, c, w in (
            ("FRA", "France", "Europe"),
            ("PER", "Peru", "South America"),
            ("GHA", "Ghana", "Africa"),
            ("ITA", "Italy", "Europe"),
        )
        for p, d in enumerate(days("%Y-%m-%d", 80))
    ]
    gap = [
        (y, c, round(float(rng.normal(60, 1)), 1), int(rng.integers(1e6, 9e6)), k)
        for c, k in (("Chad", "Africa"), ("Peru", "Americas"), ("Oman", "Asia"))
        for y in range(1952, 2012, 5)
    ]
    period = [
        (d, p, round(float(300 + 80 * np.sin((p - 16) / 48 * 2 * np.pi) + rng.normal(0, 4)), 1))
        for d in days("%Y-%m-%d", 30)
        for p in range(1, 49)
    ]
    tourism = [
        (f"{1998 + q // 4}-{3 * (q % 4) + 1:02d}-01", region, purpose, round(float(rng.normal(120, 9)), 1))
        for region in ("Adelaide", "Perth")
        for purpose in ("Holiday", "Business")
        for q in range(60)
    ]
    twice = [
        (d, p, c, int(rng.integers(1, 9)))
        for d in days("%Y-%m-%d", 60)
        for p, c in (("A", "x"), ("B", "x"), ("A", "x"))
    ]
    return [
        Case(
            "two keys, by day",
            csv("date,store,item,sales", sales),
            {**LONG, "id": "store + item", "time": "date", "targets": ("sales",), "sequences": 6},
        ),
        Case(
            "two keys, by store",
            csv("date,store,item,sales", by_store),
            {**LONG, "id": "store + item", "time": "date", "targets": ("sales",), "sequences": 6},
        ),
        Case(
            "two keys, no telling names",
            csv("when,p,q,amount", [(d, "ab"[s - 1], "xyz"[i - 1], v) for d, s, i, v in sales]),
            {**LONG, "id": "p + q", "time": "when", "targets": ("amount",), "sequences": 6},
        ),
        Case(
            "three keys",
            csv("row_id,date,country,store,product,num_sold", three),
            {**LONG, "id": "country + store + product", "time": "date", "targets": ("num_sold",), "sequences": 18},
        ),
        Case(
            "store and department",
            csv("Store,Dept,Date,Weekly_Sales,IsHoliday", walmart),
            {**LONG, "id": "Store + Dept", "time": "Date", "targets": ("Weekly_Sales",), "sequences": 8},
        ),
        Case(
            "stocks by day",
            csv("date,Name,open,close", stocks),
            {**LONG, "id": "Name", "time": "date", "targets": ("close",), "sequences": 3},
        ),
        Case(
            "countries by day",
            csv("iso_code,location,continent,date,new_cases", [(i, c, w, d, v) for i, c, w, d, v in covid]),
            {**LONG, "time": "date", "targets": ("new_cases",), "sequences": 4},
        ),
        Case(
            "gapminder",
            csv("year,country,lifeExp,pop,continent", gap),
            {**LONG, "id": "country", "time": "year", "sequences": 3},
        ),
        Case(
            "settlement periods are no key",
            csv("SETTLEMENT_DATE,SETTLEMENT_PERIOD,ND", period),
            {"layout": "series", "time": "SETTLEMENT_DATE", "first": {"ND": [row[2] for row in period[:5]]}},
            asked=True,
        ),
        Case(
            "regions and purposes",
            csv("Quarter,Region,Purpose,Trips", tourism),
            {**LONG, "id": "Region + Purpose", "time": "Quarter", "targets": ("Trips",), "sequences": 4},
        ),
        Case(
            "several sales of a product on a day",
            csv("date,product,channel,qty", twice),
            {"layout": "series", "time": "date"},
            asked=True,
        ),
        Case(
            "stations with gaps",
            csv(
                "station,date,tmax,prcp",
                [
                    (s, d, *np.round(rng.normal(10, 3, 2), 1))
                    for s in ("USW00014", "USW00027")
                    for p, d in enumerate(days("%Y%m%d", 120))
                    if p % 9 != len(s) % 5
                ],
            ),
            {**LONG, "id": "station", "time": "date", "sequences": 2},
        ),
        Case(
            "prices of very different size",
            csv(
                "date,symbol,price",
                [
                    (d, n, round(b * (1 + 0.01 * p + float(rng.normal(0, 0.01))), 3))
                    for p, d in enumerate(days("%Y-%m-%d", 120))
                    for n, b in (("BTC", 40_000), ("DOGE", 0.1))
                ],
            ),
            {**LONG, "id": "symbol", "time": "date", "sequences": 2},
        ),
        Case(
            "weather and its words are no panel",
            csv(
                "date,weather,temp,wind",
                [
                    (d, ["sun", "rain", "fog"][int(rng.integers(0, 3))], t, w)
                    for d, t, w in zip(days("%Y-%m-%d", 150), walk(150), walk(150), strict=False)
                ],
            ),
            {"layout": "series", "time": "date"},
        ),
        Case(
            "hours of each day as text",
            csv(
                "Date,Hour,Count",
                [(days("%d/%m/%Y", 10)[p // 24], f"{p % 24}:00", v) for p, v in enumerate(WALK[:240])],
            ),
            {"layout": "series", "first": {"Count": WALK[:5].tolist()}},
        ),
        Case(
            "bike sharing",
            csv(
                "instant,dteday,season,yr,mnth,hr,holiday,weekday,temp,hum,casual,registered,cnt",
                [
                    (
                        p + 1,
                        (date(2011, 1, 1) + timedelta(p // 24)).isoformat(),
                        1,
                        0,
                        1,
                        p % 24,
                        0,
                        (6 + p // 24) % 7,
                        0.24,
                        0.8,
                        3,
                        13,
                        int(60 + v),
                    )
                    for p, v in enumerate(
                        np.round(50 * np.sin(np.arange(240) / 24 * 2 * np.pi) + rng.normal(0, 3, 240))
                    )
                ],
            ),
            {"layout": "series", "time": "dteday + hr", "targets": ("cnt",)},
        ),
        Case(
            "Beijing",
            csv(
                "No,year,month,day,hour,pm2.5,DEWP,TEMP,cbwd",
                [
                    (p + 1, 2010, 1, 1 + p // 24, p % 24, "NA" if p < 24 else int(v), -21, -11, ["NW", "SE"][p % 2])
                    for p, v in enumerate(WALK[:240])
                ],
                "PRSA_pm2.5.csv",
            ),
            {"layout": "series", "time": "year + month + day + hour", "targets": ("pm2.5",)},
        ),
    ]


PANELS = _blocks() + _interleaved()
