"""Kinds of files that public repositories for recurrent networks hold, generated: headers, keys, targets, archives."""

import io
import json
import zipfile

import numpy as np

from tests.support.corpus.real.case import Case, csv
from tests.support.corpus.real.clocks import WALK, days

rng = np.random.default_rng(41)
DAYS = days("%Y-%m-%d", 200)
V = np.round(WALK[:200], 2)
PRICES = [
    (day, v, v + 1.25, v - 1.5, v - 0.25, 1_000 + 7 * place % 311)
    for place, (day, v) in enumerate(zip(DAYS, V, strict=True))
]


def _headers() -> list[Case]:
    first = "Price,Close,High,Low,Open,Volume"
    dated = {"layout": "series", "time": "Date", "targets": ("Close",), "first": {"Close": V[:5].tolist()}}
    bags = [
        (n, d, v, 50 * v, 3 * v, v - 7, r)
        for r in ("Albany", "Boston")
        for n, (d, v) in enumerate(zip(DAYS, V, strict=True))
    ]
    names = ["Adsit", "Lovak", "Kolar", "Meyer", "Braun", "Weiss", "Rossi", "Conti", "Gallo"]
    people = [
        (f"{rng.choice(names)[:-1]}{place:x}".title(), ("Czech", "German", "Italian")[place * 3 // 240])
        for place in range(240)
    ]
    return [
        Case(
            "ticker and index below the prices",
            csv(f"{first}\nTicker,AAPL,AAPL,AAPL,AAPL,AAPL\nDate,,,,,", PRICES),
            {**dated, "note": "'AAPL' in common"},
        ),
        Case(
            "two tickers below the prices",
            csv("Price,Close,Close,High,High,Volume\nTicker,AAPL,MSFT,AAPL,MSFT,AAPL\nDate,,,,,", PRICES),
            {"time": "Date", "targets": re_close, "layout": "series"},
        ),
        Case(
            "a line of units",
            csv("when,temp,level\n,°C,m", zip(DAYS, V, V / 3, strict=True)),
            {"time": "when", "rows": 200},
        ),
        Case(
            "names that are numbers",
            csv(",Date,AveragePrice,4046,4225,Total Bags,region", bags),
            {"layout": "long", "id": "region", "time": "Date", "sequences": 2},
        ),
        Case("names and languages without a header", csv(None, people), {"layout": "text", "rows": 240, "classes": 3}),
        Case(
            "the header once more in the middle",
            csv(
                "date,v",
                [*zip(DAYS[:100], V[:100], strict=True), ("date", "v"), *zip(DAYS[100:], V[100:], strict=True)],
            ),
            {"time": "date", "rows": 200, "note": "stands 1 more time"},
        ),
        Case(
            "words above words are a header",
            csv(
                "city,weather",
                [
                    (c, w)
                    for c, w in zip(rng.choice(["Rome", "Oslo"], 90), rng.choice(["sun", "rain"], 90), strict=True)
                ],
            ),
            {"rows": 90},
        ),
        Case(
            "a first row with one odd cell is no header",
            csv(None, [("n/a" if not k else V[k], V[k + 1], V[k + 2]) for k in range(150)]),
            {"rows": 150},
        ),
        Case(
            "notes below the table",
            csv("date,v,w", [*zip(DAYS, V, V * 2, strict=True), ("Source: the office", "", ""), ("1 revised", "", "")]),
            {"time": "date", "rows": 200, "note": "2 lines of notes"},
        ),
    ]


re_close = ("Close MSFT",)


def _keys() -> list[Case]:
    wave = lambda k, shift: round(float(np.sin(k / 7 + shift) + 0.1 * rng.normal()), 4)  # noqa: E731
    brain = [
        (f"s{s}", t, e, r, wave(t, s))
        for s in range(5)
        for t in range(19)
        for e in ("stim", "cue")
        for r in ("frontal", "parietal")
    ]
    rng.shuffle(brain)
    where = [
        (c, p, d, round(100 * (1 + k / 50) * (1 + n), 1))
        for n, (c, p) in enumerate([("Chile", None), ("China", "Hubei"), ("China", "Hunan"), ("Peru", None)])
        for k, d in enumerate(DAYS[:60])
    ]
    hours = [
        (
            f"2024-01-{1 + k // 24:02d} {k % 24:02d}:00",
            rng.choice(["Clear", "Clouds", "Rain", "Mist"]),
            round(290 + 8 * wave(k, 0), 2),
        )
        for k in range(600)
    ]
    hours += [(hours[k][0], "Fog", hours[k][2]) for k in range(0, 600, 7)]
    weeks = [(f"2017{w:02d}", s, round(50 + 9 * wave(w, s), 2)) for w in range(1, 53) for s in (760, 3134, 412)]
    life = [
        (c, code, y, round(60 + n + 0.2 * k + 0.1 * rng.normal(), 2))
        for n, (c, code) in enumerate([(f"Land {k}", f"L{k:02d}") for k in range(20)])
        for k, y in enumerate(range(1990, 2018))
    ]
    stations = [
        (y, m, round(10 + 9 * wave(m, 0), 1), round(5 + wave(y, m), 1), s)
        for s in ("aber", "brae")
        for y in range(1990, 2010)
        for m in range(1, 13)
    ]
    stations.insert(240, (None, None, None, None, "aber"))
    fred = [("2019-08-28", "2019-08-28", d, v) for d, v in zip(DAYS, V, strict=True)]
    hhmm = [(f"201509{1 + k // 24:02d}", f"{k % 24:02d}53", round(60 + 9 * wave(k, 0), 1)) for k in range(480)]
    cars = [
        (y, m, make, round(100 + 20 * wave(m, n), 1))
        for y in range(2007, 2012)
        for m in range(1, 13)
        for n, make in enumerate(("Audi", "BMW", "Fiat", "Lexus"))
    ]
    cars.insert(9, (2007, 3, "Lexus", 7.5))
    return [
        Case(
            "shuffled timepoints of subject, event and region",
            csv("subject,timepoint,event,region,signal", brain),
            {"layout": "long", "time": "timepoint", "sequences": 20, "targets": ("signal",)},
        ),
        Case(
            "countries, some with provinces",
            csv("Country,Province,Date,Cases", where),
            {"layout": "long", "id": "Country + Province", "time": "Date", "sequences": 4},
        ),
        Case(
            "hours that some weathers repeat are one series",
            csv("date_time,weather_main,temp", sorted(hours)),
            {"layout": "series", "time": "date_time"},
        ),
        Case(
            "years and weeks in one number",
            csv("YEAR_WEEK,STORE_ID,POS_AMT", weeks),
            {"layout": "long", "id": "STORE_ID", "time": "YEAR_WEEK", "sequences": 3},
        ),
        Case(
            "a code beside the country is no label",
            csv("Entity,Code,Year,Rate", life),
            {"layout": "long", "id": "Entity", "targets": ("Rate",), "sequences": 20},
        ),
        Case(
            "a station's row without any value",
            csv("year,month,tmax,rain,station", stations),
            {"layout": "long", "id": "station", "time": "year + month", "sequences": 2},
        ),
        Case(
            "dates that are always the same are no clock",
            csv("realtime_end,realtime_start,date,value", fred),
            {"layout": "series", "time": "date", "targets": ("value",)},
        ),
        Case("clock times of four digits", csv("Date,Time,DryBulb", hhmm), {"layout": "series", "time": "Date + Time"}),
        Case(
            "one make twice in one month",
            csv("Year,Month,Make,Quantity", cars),
            {"layout": "long", "id": "Make", "time": "Year + Month", "sequences": 4},
        ),
    ]


def _targets() -> list[Case]:
    k = np.arange(400)
    power = np.round(2 + np.sin(k / 9) + 0.2 * rng.normal(size=400), 3)
    wide = [
        tuple(np.round(np.sin(k[:40] / (4 + c % 5) + c) + 0.1 * rng.normal(size=40), 3).tolist())
        for c in rng.integers(0, 30, 300)
    ]
    classes = rng.choice(30, 300, p=np.arange(1, 31) / 465) + 1
    state = np.repeat(list("ABCAB"), 80)
    holiday = rng.choice(["0", "0", "0", "0", "0", "a", "b"], 200)
    return [
        Case(
            "the clock as sine and cosine is no target",
            csv(
                "power,volt,day_sin,day_cos",
                zip(power, power * 3 + 1, np.sin(k / 24).round(6), np.cos(k / 24).round(6), strict=True),
            ),
            {"targets": ("volt",)},
        ),
        Case(
            "a numbered shop is no target",
            csv("date,amount,id_merchant", zip(days("%Y-%m-%d", 200), V, rng.integers(3, 60, 200), strict=True)),
            {"targets": ("amount",)},
        ),
        Case(
            "the day of the week is no target",
            csv("date,VIX,weekday", zip(DAYS, V, k[:200] % 7 + 1, strict=True)),
            {"targets": ("VIX",)},
        ),
        Case(
            "a class that stays over many rows",
            csv(
                "classe,roll,pitch,yaw",
                zip(
                    state,
                    power,
                    power * 2 + np.round(rng.normal(size=400), 3),
                    np.round(rng.normal(size=400), 3),
                    strict=True,
                ),
            ),
            {"targets": ("classe",), "target": "multiclass", "features": ("roll", "pitch", "yaw")},
        ),
        Case(
            "thirty unequal classes before the curves",
            csv(None, [(int(c), *row) for c, row in zip(classes, wide, strict=True)]),
            {"layout": "rows", "targets": ("column 1",), "target": "multiclass"},
        ),
        Case(
            "0, a and b are classes",
            csv("date,v,StateHoliday", zip(DAYS, V, holiday, strict=True)),
            {"time": "date", "without": "StateHoliday.*count as missing"},
        ),
        Case(
            "true zeros and ones stay numbers",
            csv("date,v,open", zip(DAYS, V, rng.integers(0, 2, 200), strict=True)),
            {"time": "date", "targets": ("v",)},
        ),
        Case(
            "one typing error among numbers stays one",
            csv("date,v", [(d, "oops" if n == 60 else v) for n, (d, v) in enumerate(zip(DAYS, V, strict=True))]),
            {"note": "1 cell is no number"},
        ),
        Case(
            "M in most cells means missing",
            csv(
                "station,valid,tmpf",
                [
                    (
                        "FVE",
                        f"2019-01-{1 + n // 48:02d} {n % 48 // 2:02d}:{30 * (n % 2):02d}",
                        V[n % 200] if n % 9 == 0 else "M",
                    )
                    for n in range(1_200)
                ],
            ),
            {"layout": "series", "time": "valid", "targets": ("tmpf",)},
        ),
        Case(
            "days with a month beside them are no texts",
            csv(
                "datenum,year,month,day,datetime,data",
                [
                    (n, n // 12, n % 12 + 1, 15, f"15-{'JFMASOND'[n % 8]}xx-{n // 12:04d} 00:00", V[n])
                    for n in range(200)
                ],
            ),
            {"layout": "series", "targets": ("data",)},
        ),
    ]


def _containers() -> list[Case]:
    parts = json.dumps(
        {
            "name": "nile",
            "time": {"index": list(range(200)), "raw": DAYS},
            "series": [{"label": "V1", "raw": V.tolist()}],
        }
    )
    split = json.dumps({"train": [{"x": float(v)} for v in V[:100]], "test": [{"x": float(v)} for v in V[100:]]})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("Index/Document.iwa", b"\0\1\2")
    return [
        Case(
            "columns in parts of JSON",
            [("nile.json", parts.encode())],
            {"layout": "series", "time": "time.raw", "targets": ("series.raw",)},
        ),
        Case("train and test in JSON are not side by side", [("x.json", split.encode())], {"rows": 100}),
        Case(
            "Numbers called CSV", [("AirQuality.csv", packed.getvalue())], {"error": "Apple Numbers document; export"}
        ),
    ]


COLLECTED = _headers() + _keys() + _targets() + _containers()
