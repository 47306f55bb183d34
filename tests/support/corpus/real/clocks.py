"""Single series, and what their clocks look like."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np

from tests.support.corpus.real.case import Case, csv

rng = np.random.default_rng(15)
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
N = 144
SEASON = np.round(200 + 2 * np.arange(N) + 40 * np.sin(2 * np.pi * np.arange(N) / 12) + rng.normal(0, 5, N), 1)
WALK = np.round(100 + rng.normal(size=400).cumsum(), 2)
START = date(2019, 3, 1)
SERIES = {"layout": "series", "id": "", "target": "regression"}


def days(form: str, count: int = 200, first: date = START, step: int = 1) -> list[str]:
    return [(first + timedelta(days=step * place)).strftime(form) for place in range(count)]


def stamped(form: str, count: int = 200, minutes: int = 30) -> list[str]:
    return [(datetime(2021, 5, 30, 22) + timedelta(minutes=minutes * place)).strftime(form) for place in range(count)]


def series(
    name: str, header: str, moments: list, time: str, values: np.ndarray = WALK, asked: bool = False, **expect: object
) -> Case:
    column = header.split(",")[-1]
    expect = {"first": {column: values[:5].tolist()}, **expect}
    return Case(
        name,
        csv(header, zip(moments, values, strict=False)),
        {**SERIES, "time": time, "targets": (column,), **expect},
        asked,
    )


def _months() -> list[Case]:
    year = [1949 + place // 12 for place in range(N)]
    month = [place % 12 + 1 for place in range(N)]
    dash = [f"{y}-{m:02d}" for y, m in zip(year, month, strict=True)]
    return [
        series("cyclic month", "Month,Sales", month[:36], "", SEASON),
        series("cyclic month names", "month,sales", [MONTHS[m - 1] for m in month], "", SEASON),
        series("cyclic quarter", "quarter,gdp", [place % 4 + 1 for place in range(N)], "", SEASON),
        series("cyclic hour", "hour,load", [place % 24 for place in range(N)], "", SEASON),
        series("cyclic weekday", "weekday,visits", [place % 7 for place in range(N)], "", SEASON),
        series("cyclic clock time", "time,load", [f"{place % 24:02d}:00" for place in range(N)], "", SEASON),
        series(
            "cyclic clock with seconds",
            "Time,load",
            [f"{place // 2 % 24:02d}:{place % 2 * 30:02d}:00" for place in range(N)],
            "",
            SEASON,
        ),
        series("air passengers", "Month,#Passengers", dash, "Month", SEASON),
        series(
            "month names and years",
            "Month,Sales",
            [f"{MONTHS[m - 1]}-{y % 100:02d}" for y, m in zip(year, month, strict=True)],
            "Month",
            SEASON,
        ),
        series(
            "long month names",
            "period,value",
            [f"{date(y, m, 1):%B %Y}" for y, m in zip(year, month, strict=True)],
            "period",
            SEASON,
        ),
        series(
            "shampoo months",
            "Month,Sales",
            [f"{y - 1948}-{m:02d}" for y, m in zip(year[:36], month[:36], strict=True)],
            "Month",
            SEASON,
        ),
        series(
            "months by slash", "month,value", [f"{m}/{y}" for y, m in zip(year, month, strict=True)], "month", SEASON
        ),
        series(
            "OECD months",
            "TIME,Value",
            [f"{y}-M{m:02d}".replace("-M", "M") for y, m in zip(year, month, strict=True)],
            "TIME",
            SEASON,
        ),
        series(
            "quarters before years",
            "Period,Value",
            [f"Q{place % 4 + 1} {1960 + place // 4}" for place in range(N)],
            "Period",
            SEASON,
        ),
        series(
            "quarters of two-digit years",
            "Period,Value",
            [f"Q{place % 4 + 1}-{(80 + place // 4) % 100:02d}" for place in range(80)],
            "Period",
            SEASON,
        ),
        series(
            "ISO weeks",
            "week,cases",
            [f"{2015 + place // 52}-W{place % 52 + 1:02d}" for place in range(N)],
            "week",
            SEASON,
        ),
        series(
            "compact months", "date,value", [f"{y}{m:02d}" for y, m in zip(year, month, strict=True)], "date", SEASON
        ),
        Case(
            "year and month names in columns",
            csv("Year,Month,Sunspots", zip(year, [MONTHS[m - 1] for m in month], SEASON, strict=False)),
            {**SERIES, "time": "Year + Month", "first": {"Sunspots": SEASON[:5].tolist()}},
        ),
        Case(
            "year and week in columns",
            csv("year,week,flu", [(2000 + place // 52, place % 52 + 1, v) for place, v in enumerate(SEASON)]),
            {**SERIES, "time": "year + week", "first": {"flu": SEASON[:5].tolist()}},
        ),
        Case(
            "day of the year",
            csv("YEAR,DOY,T2M", [(2000 + place // 365, place % 365 + 1, v) for place, v in enumerate(WALK)]),
            {**SERIES, "time": "YEAR + DOY", "first": {"T2M": WALK[:5].tolist()}},
        ),
        Case(
            "NASA power",
            csv("YEAR,MO,DY,HR,T2M", [(2020, 1, 1 + place // 24, place % 24, v) for place, v in enumerate(WALK)]),
            {**SERIES, "time": "YEAR + MO + DY + HR", "first": {"T2M": WALK[:5].tolist()}},
        ),
        Case(
            "buoy",
            csv(
                "YY MM DD hh mm WVHT".replace(" ", ","),
                [(2020, 1, 1 + place // 24, place % 24, 50, v) for place, v in enumerate(WALK)],
            ),
            {**SERIES, "first": {"WVHT": WALK[:5].tolist()}},
        ),
        Case(
            "a year in many rows",
            csv("year,rain", [(1900 + place // 12, v) for place, v in enumerate(SEASON)]),
            {**SERIES, "time": "year", "first": {"rain": SEASON[:5].tolist()}},
        ),
    ]


def _stamps() -> list[Case]:
    forms = {
        "compact stamps": "%Y%m%d%H%M",
        "dotted stamps": "%d.%m.%Y %H:%M",
        "dotted with dotted clock": "%d.%m.%Y %H.%M",
        "T stamps": "%Y%m%dT%H%M%S",
        "underscored stamps": "%Y-%m-%d_%H:%M:%S",
        "afternoon": "%m/%d/%Y %I:%M %p",
        "two-digit years": "%d/%m/%y %H:%M",
        "log": "%d/%b/%Y:%H:%M:%S",
        "weekday first": "%a %b %d %Y %H:%M:%S",
        "two-digit year first": "%y/%m/%d %H:%M:%S",
    }
    cases = [series(name, "when,value", stamped(form), "when") for name, form in forms.items()]
    late = [text.replace(" 00:", " 24:") if text.endswith("00:00") else text for text in stamped("%Y-%m-%d %H:%M")]
    midnight = [
        (moment - timedelta(days=1)).strftime("%Y-%m-%d 24:00")
        if moment.hour == moment.minute == 0
        else f"{moment:%Y-%m-%d %H:%M}"
        for moment in (datetime(2021, 5, 30, 22) + timedelta(minutes=30 * place) for place in range(200))
    ]
    assert late
    zones = [timezone(timedelta(hours=2)), timezone(timedelta(hours=1))]
    change = datetime(2020, 10, 25, 1, tzinfo=UTC)
    hours = [datetime(2020, 10, 20, tzinfo=UTC) + timedelta(hours=place) for place in range(200)]
    local = [hour.astimezone(zones[hour >= change]) for hour in hours]
    moments = [change + timedelta(minutes=30 * place) - timedelta(days=2) for place in range(200)]
    halves = [moment.astimezone(zones[moment >= change]) for moment in moments]
    stops = [0, *np.cumsum([1] * 99 + [3] * 100)]
    return [
        *cases,
        series("24:00", "when,value", midnight, "when", without="irregular|repeat"),
        series(
            "offsets over the end of summer time",
            "time,load",
            [hour.isoformat() for hour in local],
            "time",
            without="irregular|repeat|not in order",
        ),
        series(
            "offsets with spaces",
            "time,load",
            [f"{hour:%Y-%m-%d %H:%M:%S%z}" for hour in local],
            "time",
            without="irregular|repeat|not in order",
        ),
        series(
            "local time over the end of summer time", "time,load", [f"{hour:%Y-%m-%d %H:%M}" for hour in local], "time"
        ),
        series("half-hours of local time set back", "time,load", [f"{half:%Y-%m-%d %H:%M}" for half in halves], "time"),
        series("unix seconds", "ts,price", [1_600_000_000 + 60 * p for p in range(200)], "ts"),
        series("unix milliseconds", "timestamp,price", [1_600_000_000_000 + 250 * p for p in range(200)], "timestamp"),
        series(
            "unix seconds newest first",
            "unix,price",
            [1_600_000_000 - 3600 * p for p in range(200)],
            "unix",
            first={"price": WALK[199:194:-1].tolist()},
            note="newest first",
        ),
        series(
            "fractions of a second",
            "time,acc",
            [f"2020-01-01 10:00:{p // 50:02d}.{p % 50 * 20:03d}" for p in range(200)],
            "time",
            without="repeat|irregular",
        ),
        series(
            "midnight without a clock time",
            "time,v",
            [f"{datetime(2020, 1, 1) + timedelta(hours=p):%m/%d/%Y %H:%M}".replace(" 00:00", "") for p in range(200)],
            "time",
        ),
        series(
            "seconds since the start",
            "Time (s),mV",
            [round(0.004 * p, 3) for p in range(200)],
            re_time("Time (s)"),
            asked=False,
        ),
        series("irregular seconds", "t,v", list(stops), "t", note="irregular"),
    ]


def re_time(name: str) -> object:
    import re

    return re.compile(f"^({re.escape(name)})?$")


def _orders() -> list[Case]:
    newest = WALK[199::-1].tolist()[:5]
    back = days("%Y-%m-%d")[::-1]
    prices = days("%b %d, %Y")[::-1]
    odd = ["16:02", *prices[1:]]
    total = [*days("%Y-%m-%d", 199), "Total"]
    mixed = rng.permutation(200)
    shuffled = [days("%Y-%m-%d")[place] for place in mixed]
    temperature = np.round(20 + 5 * np.sin(np.arange(200) / 9) + rng.normal(0, 0.5, 200))
    return [
        series("newest first", "date,close", back, "date", first={"close": newest}, note="newest first"),
        series(
            "newest first, falling years",
            "year,pop",
            list(range(2020, 1820, -1)),
            "year",
            first={"pop": newest},
            note="newest first",
        ),
        Case(
            "investing.com",
            csv(
                '"Date","Price","Vol."',
                [(f'"{d}"', f'"{v}"', f'"{1 + v / 100:.2f}M"') for d, v in zip(odd, WALK, strict=False)],
            ),
            {
                **SERIES,
                "time": "Date",
                "targets": ("Price",),
                "first": {"Price": newest},
                "note": ["newest first", "16:02"],
            },
        ),
        Case(
            "a total below",
            csv("date,sales", [*zip(total[:-1], WALK, strict=False), ("Total", 20_000)]),
            {**SERIES, "time": "date", "first": {"sales": WALK[:5].tolist()}, "note": ["Total", "left out"]},
        ),
        Case(
            "a total among the numbers",
            csv(
                "date,sales",
                [(d, "Total" if p == 150 else v) for p, (d, v) in enumerate(zip(days("%Y-%m-%d"), WALK, strict=False))],
            ),
            {**SERIES, "time": "date", "note": "'Total' in row 152"},
        ),
        Case(
            "shuffled days",
            csv("date,v", zip(shuffled, WALK[mixed], strict=False)),
            {**SERIES, "time": "date", "first": {"v": WALK[:5].tolist()}, "note": "sorted"},
        ),
        Case(
            "shuffled counter",
            csv("index,v", zip(mixed, WALK[mixed], strict=False)),
            {**SERIES, "time": "index", "first": {"v": WALK[:5].tolist()}, "note": "sorted"},
        ),
        Case(
            "a temperature called T",
            csv("T,p", zip(temperature, WALK, strict=False)),
            {**SERIES, "time": "", "features": {"T", "p"}, "first": {"p": WALK[:5].tolist()}},
        ),
        Case(
            "a reading called time that wanders",
            csv("reaction time,score", zip(temperature + 0.5, WALK, strict=False)),
            {**SERIES, "time": "", "first": {"score": WALK[:5].tolist()}},
        ),
        Case(
            "remaining life",
            csv("RUL,vibration", zip(range(199, -1, -1), WALK, strict=False)),
            {**SERIES, "first": {"vibration": WALK[:5].tolist()}},
        ),
        Case(
            "days twice by accident",
            csv("date,v", zip(sorted([*days("%Y-%m-%d", 195), *days("%Y-%m-%d", 5)]), WALK, strict=False)),
            {**SERIES, "time": "date", "first": {"v": WALK[:5].tolist()}},
        ),
        series(
            "falling years",
            "Year,Value",
            list(range(2015, 1945, -1)),
            "Year",
            WALK[:70],
            first={"Value": WALK[69:64:-1].tolist()},
        ),
        series("day first by its order", "d,v", days("%d/%m/%Y", 120), "d"),
        series("month first by its order", "d,v", days("%m/%d/%Y", 120), "d"),
        series("two-digit years of the last century", "d,v", days("%d-%b-%y", 200, date(1995, 6, 1), 30), "d"),
        series(
            "business days",
            "Date,Open",
            [d for d in days("%Y-%m-%d", 280) if date.fromisoformat(d).weekday() < 5],
            "Date",
        ),
    ]


CLOCKS = _months() + _stamps() + _orders()
