"""A second batch of files as people have them, written after the rules and judged once before anything was mended."""

from datetime import date, datetime, timedelta

import numpy as np

from tests.support.corpus.build import npz
from tests.support.corpus.real.case import Case, csv
from tests.support.corpus.real.clocks import days
from tests.support.corpus.real.rows import curves

rng = np.random.default_rng(99)
W = np.round(50 + rng.normal(size=900).cumsum(), 2)
LONG, SERIES, ROWS_OF = {"layout": "long"}, {"layout": "series"}, {"layout": "rows"}


def hours(count: int, form: str = "%Y-%m-%d %H:%M:%S", first: datetime = datetime(2018, 7, 3, 5)) -> list[str]:
    return [(first + timedelta(hours=place)).strftime(form) for place in range(count)]


def _series() -> list[Case]:
    d = days("%d-%m-%Y", 250, date(2016, 11, 20))
    up = hours(300, "%d/%m/%Y %H:%M")
    back = hours(200, "%m/%d/%y %H:%M")[::-1]
    seg = [(p, v, "ABC"[p // 40 % 3]) for p, v in enumerate(W[:240])]
    return [
        Case(
            "Datum und Wert",
            csv("Datum;Wert", [(x, str(v).replace(".", ",")) for x, v in zip(d, W, strict=False)], mark=";"),
            {**SERIES, "time": "Datum", "first": {"Wert": W[:5].tolist()}},
        ),
        Case(
            "PJM hours newest first",
            csv("Datetime,PJME_MW", zip(back, W, strict=False)),
            {**SERIES, "time": "Datetime", "first": {"PJME_MW": W[199:194:-1].tolist()}, "note": "newest first"},
        ),
        Case(
            "hour of day and temperature",
            csv("Hour,Temp", [(p % 24, v) for p, v in enumerate(W[:480])]),
            {**SERIES, "time": "", "first": {"Temp": W[:5].tolist()}},
        ),
        Case(
            "month and year swapped",
            csv("Month,Year,Passengers", [(p % 12 + 1, 1990 + p // 12, v) for p, v in enumerate(W[:120])]),
            {**SERIES, "first": {"Passengers": W[:5].tolist()}},
        ),
        Case(
            "day, month, year, shuffled",
            csv(
                "dd,mm,yyyy,q",
                rng.permutation([(p % 28 + 1, p // 28 % 12 + 1, 2000, v) for p, v in enumerate(W[:300])]).tolist(),
            ),
            {**SERIES, "first": {"q": W[:5].tolist()}},
        ),
        Case(
            "a time in hours that begins anew",
            csv("T,I,U", [(p % 50, v, 2 * v) for p, v in enumerate(W[:300])]),
            {**SERIES, "first": {"I": W[:5].tolist()}},
            asked=True,
        ),
        Case(
            "crypto milliseconds with fractions",
            csv("open_time,close", [(1_577_836_800_000 + 60_000 * p, v) for p, v in enumerate(W[:300])]),
            {**SERIES, "time": "open_time"},
        ),
        Case(
            "stamps with microseconds",
            csv(
                "created_at,clicks",
                [(f"{x}.{p * 37 % 1000000:06d}", v) for p, (x, v) in enumerate(zip(hours(200), W, strict=False))],
            ),
            {**SERIES, "time": "created_at", "first": {"clicks": W[:5].tolist()}},
        ),
        Case(
            "UTC text behind",
            csv("Timestamp,close", [(f"{x} UTC", v) for x, v in zip(hours(200), W, strict=False)]),
            {**SERIES, "time": "Timestamp"},
        ),
        Case("state in blocks", csv("n,value,state", seg), {**SERIES, "first": {}}),
        Case(
            "a sum at the end",
            csv("week,units", [*((p + 1, v) for p, v in enumerate(W[:52])), ("Sum", round(float(W[:52].sum()), 2))]),
            {**SERIES, "note": "Sum"},
        ),
        Case(
            "prices with volume words",
            csv(
                '"Date","Price","Open","Vol.","Change %"',
                [
                    (f'"{x}"', f'"{v * 100:,.2f}"', f'"{v * 99:,.2f}"', f'"{v:.2f}K"', f'"{(v - 50) / 9:.2f}%"')
                    for x, v in zip(days("%m/%d/%Y", 200)[::-1], W, strict=False)
                ],
            ),
            {**SERIES, "time": "Date", "targets": ("Price",), "note": "newest first"},
        ),
        Case(
            "missing as 999.9",
            csv(
                "Date,SLP,TEMP",
                [
                    (x, 9999.9 if p % 11 == 4 else 1000 + p % 9, 999.9 if p % 17 == 3 else round(20 + v / 9, 1))
                    for p, (x, v) in enumerate(zip(days("%Y%m%d", 300), W, strict=False))
                ],
            ),
            {**SERIES, "time": "Date", "note": "999.9"},
        ),
        Case(
            "empty stamps",
            csv("when,v", [("" if p % 50 == 7 else x, v) for p, (x, v) in enumerate(zip(up, W, strict=False))]),
            {**SERIES, "time": "when", "first": {"v": W[:5].tolist()}},
        ),
        Case(
            "units in the first row",
            csv("time,speed\ns,km/h", [(round(0.1 * p, 1), v) for p, v in enumerate(W[:200])]),
            {**SERIES, "first": {}},
        ),
        Case(
            "true zeros and a peak",
            csv(
                "date,rain",
                [(x, 0.0 if p % 3 else round(float(rng.gamma(1, 8)), 1)) for p, x in enumerate(days("%Y-%m-%d", 300))],
            ),
            {**SERIES, "without": "stands for missing"},
        ),
        Case(
            "file speaks of energy",
            csv("date,energy,humidity", zip(days("%Y-%m-%d", 200), W, W[::-1], strict=False), "energy-consumption.csv"),
            {**SERIES, "targets": ("energy",)},
        ),
    ]


def _panels() -> list[Case]:
    weeks = [(w, c, p, int(rng.integers(1, 60))) for c in ("N", "S", "E") for p in (11, 22) for w in range(1, 61)]
    cohort = [
        (pid, round(age, 1), round(float(rng.normal(50 + age)), 1), sex)
        for pid, sex in ((7, "f"), (12, "m"), (31, "f"), (44, "m"), (58, "f"), (60, "m"))
        for age in np.arange(20, 20 + pid % 7 + 12, 0.5)
    ]
    flights = [(ts, drone, *np.round(rng.normal(size=2), 3)) for ts in hours(80) for drone in ("d1", "d2", "d3")]
    wide = [(f"2021-0{m}-01", s, round(float(rng.normal(9)), 2)) for s in ("PM10", "NO2", "O3") for m in range(1, 10)]
    battery = [
        (b, c, s, *np.round([3 + s / 9, 25 + c / 9], 3)) for b in ("B05", "B07") for c in range(1, 9) for s in range(30)
    ]
    balls = [(m, o, b, int(rng.integers(0, 7))) for m in range(1, 5) for o in range(1, 11) for b in range(1, 7)]
    return [
        Case(
            "weeks of regions and products",
            csv("week,region,product_id,units", weeks),
            {**LONG, "id": "region + product_id", "time": "week", "targets": ("units",), "sequences": 6},
        ),
        Case(
            "ages of participants",
            csv("participant,age,height,sex", cohort),
            {**LONG, "id": "participant", "time": "age", "sequences": 6},
        ),
        Case(
            "drones by time",
            csv("timestamp,drone,roll,pitch", flights),
            {**LONG, "id": "drone", "time": "timestamp", "sequences": 3},
        ),
        Case(
            "pollutants by month",
            csv("month,pollutant,level", wide),
            {**LONG, "id": "pollutant", "time": "month", "sequences": 3},
        ),
        Case(
            "batteries, cycles and samples",
            csv("battery,cycle,sample,V,T", battery),
            {**LONG, "sequences": 16},
            asked=True,
        ),
        Case("matches, overs and balls", csv("match,over,ball,runs", balls), {**LONG}, asked=True),
        Case(
            "turbines in blocks, no header",
            csv(
                None,
                [
                    (t, *np.round([p * 10 + 60, rng.normal(), v], 3))
                    for t in (101, 102, 103)
                    for p, v in enumerate(W[:70])
                ],
            ),
            {**LONG, "id": "column 1", "sequences": 3},
            asked=True,
        ),
        Case(
            "countries and years, unequal",
            csv(
                "Entity,Code,Year,Life expectancy",
                [
                    (e, e[:3].upper(), y, round(float(60 + (y - 1950) / 4 + rng.normal()), 1))
                    for e, first in (("Kenya", 1960), ("Peru", 1955), ("Japan", 1950))
                    for y in range(first, 2015)
                ],
            ),
            {**LONG, "time": "Year", "sequences": 3, "targets": ("Life expectancy",)},
        ),
        Case(
            "a label for each patient",
            csv(
                "PatientID,Hour,HR,SepsisLabel",
                [
                    (p, h, round(float(rng.normal(80, 9)), 1), int(h > 6 and p % 3 == 0))
                    for p in range(20)
                    for h in range(12 + p % 8)
                ],
            ),
            {**LONG, "id": "PatientID", "time": "Hour", "sequences": 20, "targets": ("SepsisLabel",)},
        ),
    ]


def _rows() -> list[Case]:
    v, k = curves(72, 40, 24)
    z, c = curves(60, 18, 3)
    steps = [f"2020-W{w:02d}" for w in range(1, 41)]
    return [
        Case(
            "24 gestures, last column",
            csv(
                ",".join(f"p{i}" for i in range(40)) + ",gesture_class",
                [(*row, g) for row, g in zip(v.tolist(), k, strict=False)],
            ),
            {**ROWS_OF, "targets": ("gesture_class",), "classes": 24},
        ),
        Case(
            "spaces, class first in exponents",
            csv(
                None,
                [(f"{float(g):.7e}", *(f"{x:.7e}" for x in row)) for row, g in zip(z.tolist(), c, strict=False)],
                "ECG_TRAIN.txt",
                "  ",
            ),
            {**ROWS_OF, "classes": 3, "seq_len": 18},
        ),
        Case(
            "weeks across",
            csv(
                "Shop," + ",".join(steps),
                [(f"s{i}", *np.round(90 + rng.normal(size=40).cumsum(), 1)) for i in range(9)],
            ),
            {**ROWS_OF, "targets": (), "rows": 9},
        ),
        Case(
            "dates across with a stamp of midnight",
            csv(
                "sensor," + ",".join(days("%Y-%m-%d 00:00:00", 30)),
                [(f"s{i}", *np.round(9 + rng.normal(size=30).cumsum(), 2)) for i in range(6)],
            ),
            {**ROWS_OF, "targets": ()},
        ),
        Case(
            "bones by frame",
            csv(
                "frame," + ",".join(f"joint{j}_{a}" for j in range(1, 9) for a in "xyz"),
                [(p, *np.round(rng.normal(size=24) / 9 + np.sin(p / 9), 3)) for p in range(200)],
            ),
            {**SERIES, "time": "frame"},
        ),
        Case(
            "channels Ch1 to Ch16",
            csv(",".join(f"Ch{i}" for i in range(1, 17)), rng.normal(size=(300, 16)).cumsum(0).round(2).tolist()),
            {**SERIES, "input_size": 16},
        ),
        Case(
            "wells across time",
            csv(
                "time_min," + ",".join(f"well_{i}" for i in range(1, 13)),
                [(10 * p, *np.round(p / 9 + rng.normal(size=12) / 9, 3)) for p in range(90)],
            ),
            {**SERIES, "time": "time_min"},
        ),
    ]


def _others() -> list[Case]:
    n = 300
    x = np.stack([W[p : p + 12] for p in range(n)])
    tweets = [
        (
            f'"{["so happy", "very sad", "quite neutral"][p % 3]} about item {p}, really"',
            ["joy", "sadness", "neutral"][p % 3],
        )
        for p in range(90)
    ]
    langs = [
        (
            f"{name}.txt",
            "\n".join(f"{name[:2]}{'abcdefghij'[p % 10]}{'klmnopqrst'[p // 10]}" for p in range(60)).encode(),
        )
        for name in ("Greek", "Dutch", "Irish", "Czech")
    ]
    return [
        Case(
            "keras windows with two outputs",
            [("w.npz", npz(features=x[:, :, None], labels=np.stack([W[12 : n + 12], W[13 : n + 13]], 1)))],
            {"note": "in the order of time"},
        ),
        Case(
            "windows of strides of three",
            [("w.npz", npz(X=x[::3], y=(x[::3, -1] > 50).astype(int)))],
            {"note": "in the order of time"},
        ),
        Case("emotions", csv("Comment,Emotion", tweets), {"layout": "text", "targets": ("Emotion",), "classes": 3}),
        Case(
            "answers before questions",
            csv("category,text", [(b, a) for a, b in tweets]),
            {"layout": "text", "classes": 3},
        ),
        Case("surnames by language", langs, {"layout": "text", "classes": 4}),
        Case(
            "train and validation by name",
            [
                ("ETT_train.csv", csv("date,OT", zip(hours(300), W, strict=False))[0][1]),
                (
                    "ETT_validation.csv",
                    csv("date,OT", zip(hours(100, first=datetime(2019, 1, 1)), W, strict=False))[0][1],
                ),
            ],
            {"note": "as the files are named"},
        ),
        Case(
            "inputs and outputs",
            [
                ("inputs_train.csv", csv("a,b", list(zip(W[:200], W[200:400], strict=False)))[0][1]),
                ("targets_train.csv", csv("out", [[v] for v in W[400:600]])[0][1]),
            ],
            {**SERIES, "targets": ("out",)},
        ),
        Case(
            "ragged semicolons",
            [
                (
                    "trips.txt",
                    "\n".join(
                        ";".join(f"{v:.2f}" for v in rng.normal(size=8 + p * 7 % 11).cumsum()) for p in range(30)
                    ).encode(),
                )
            ],
            {"layout": "sequences"},
        ),
    ]


UNSEEN = _series() + _panels() + _rows() + _others()
