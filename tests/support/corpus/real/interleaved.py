"""Many series in one table, interleaved: told apart by one column or several."""

from datetime import date, timedelta

import numpy as np

from tests.support.corpus.real.case import Case, csv
from tests.support.corpus.real.clocks import WALK, days
from tests.support.corpus.real.panels import LONG, rng, walk


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


INTERLEAVED = _interleaved()
