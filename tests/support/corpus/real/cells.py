"""What stands in cells: numbers in every style, placeholders, odd cells; and what is to be predicted."""

import numpy as np

from tests.support.corpus.real.case import Case, csv
from tests.support.corpus.real.clocks import SEASON, WALK, days

rng = np.random.default_rng(18)
DAYS = days("%Y-%m-%d", 300)
V = WALK[:300]
SERIES = {"layout": "series", "time": "date", "target": "regression"}


def cells(name: str, written: list, values: np.ndarray, note: str = "", mark: str = ",", **expect: object) -> Case:
    """A column v of cells as they are written, which must be read as these numbers."""
    notes = {"note": note} if note else {}
    return Case(
        name,
        csv(f"date{mark}v", zip(DAYS, written, strict=False), mark=mark),
        {**SERIES, "targets": ("v",), "first": {"v": values[:8].tolist()}, **notes, **expect},
    )


def holes(values: np.ndarray, stand_in: float, share: float = 0.05) -> tuple[list, np.ndarray]:
    places = rng.random(len(values)) < share
    places[[0, 1, -1]] = False
    places[5] = True
    return np.where(places, stand_in, values).tolist(), np.where(places, np.nan, values)


def _styles() -> list[Case]:
    big = np.round(V * 12_345.6, 2)
    small = np.round(V / 50, 2)
    change = np.round(rng.normal(0, 2, 300), 2)
    return [
        cells(
            "M and K",
            [f"{v / 1e6:.2f}M" if v > 1.2e6 else f"{v / 1e3:.0f}K" for v in big],
            np.array([float(f"{v / 1e6:.2f}") * 1e6 if v > 1.2e6 else float(f"{v / 1e3:.0f}") * 1e3 for v in big]),
        ),
        cells(
            "below what can be measured",
            ["<0.5" if v < 1.9 else f"{v}" for v in small],
            np.where(small < 1.9, 0.5, small),
        ),
        cells("percent", [f"{v} %" for v in change], change),
        cells("percent with signs", [f"{v:+.2f}%" for v in change], change),
        cells("dollars", [f'"${v:,.2f}"' for v in big], big),
        cells("euros with commas", [f"{v:,.2f} €".translate(str.maketrans(",.", ".,")) for v in big], big, mark=";"),
        cells("thousands points in quotes", [f'"{v:,.2f}"'.translate(str.maketrans(",.", ".,")) for v in big], big),
        cells("thousands spaces", [f"{v:,.1f}".replace(",", " ") for v in big], np.round(big, 1)),
        cells("Swiss", [f"{v:,.2f}".replace(",", "'") for v in big], big),
        cells(
            "brackets for minus",
            [f'"({-v:,.2f})"' if v < 0 else f"{v:.2f}" for v in change * 1000],
            np.round(change * 1000, 2),
        ),
        cells("minus behind", [f"{-v:.2f}-" if v < 0 else f"{v:.2f}" for v in change], change),
        cells("decimal comma in quotes", [f'"{v}"'.replace(".", ",") for v in V], V),
        cells("exponents", [f"{v:.4E}" for v in V], V),
        cells(
            "lakh",
            ['"12,34,567.5"' if v < 95 else f'"1,{int(v):02d},000"' if v < 100 else '"1,00,000"' for v in V],
            np.array([1234567.5 if v < 95 else int(v) * 1000 + 100_000 if v < 100 else 100_000 for v in V]),
        ),
        cells("degrees", [f"{v}°" for v in small], small),
        cells("rupees", [f'"₹ {v:,.0f}"' for v in big], np.round(big)),
    ]


def _missing() -> list[Case]:
    power = np.round(np.abs(V) / 20, 3)
    gas, gas_true = holes(np.round(np.abs(V) + 500), -200, 0.17)
    temp, temp_true = holes(np.round(V / 5 - 8, 1), -999)
    nines, nines_true = holes(np.round(V, 1), 9999.9)
    huge, huge_true = holes(V, 1e20)
    co2, co2_true = holes(np.round(V + 250, 2), -99.99)
    word = ["ND" if p % 4 == 1 else v for p, v in enumerate(V)]
    zeros = np.where(rng.random(300) < 0.4, 0.0, np.round(rng.gamma(1, 5, 300), 1))
    tail = np.round(rng.lognormal(2, 1, 300), 1)
    frost = np.round(V / 4 - 25, 1)
    return [
        cells("-200", gas, gas_true, "-200 in 'v' stands for missing"),
        cells("-999", temp, temp_true, "-999 in 'v' stands for missing"),
        cells("9999.9", nines, nines_true, r"9999\.9 in 'v' stands for missing"),
        cells("1e20", huge, huge_true, r"1e\+20 in 'v' stands for missing"),
        cells("-99.99", co2, co2_true, r"-99\.99 in 'v' stands for missing"),
        Case(
            "-999 kept by choice",
            csv("date,v", zip(DAYS, temp, strict=False)),
            {**SERIES, "first": {"v": temp[:8]}},
            options={"placeholders": "numbers"},
        ),
        Case(
            "air quality",
            csv(
                "Date;Time;CO(GT);PT08.S1(CO);NMHC(GT);C6H6(GT);T;;",
                [
                    (
                        f"{10 + p // 24:02d}/03/2004",
                        f"{p % 24:02d}.00.00",
                        "-200" if p % 7 == 3 else f"{1 + p % 5},{p % 9}",
                        -200 if p % 31 == 5 else 1000 + p,
                        -200 if p > 100 else 100 + p,
                        f"{9 + p % 4},5",
                        f"{13 + p % 3},6",
                        "",
                        "",
                    )
                    for p in range(300)
                ],
                mark=";",
            ),
            {"layout": "series", "time": "Date + Time", "note": "-200 in 'CO"},
        ),
        cells(
            "question marks",
            ["?" if p % 9 == 3 else v for p, v in enumerate(power)],
            np.array([np.nan if p % 9 == 3 else v for p, v in enumerate(power)]),
        ),
        cells("one word for missing", word, np.array([np.nan if p % 4 == 1 else v for p, v in enumerate(V)])),
        cells("true zeros", zeros.tolist(), zeros, without="stands for missing"),
        cells("a long tail", tail.tolist(), tail, without="stands for missing"),
        cells("frost", frost.tolist(), frost, without="stands for missing"),
        Case(
            "true states 0 and 100",
            csv("date,v,valve", zip(DAYS, V, np.where(np.arange(300) % 50 < 25, 0, 100), strict=False)),
            {**SERIES, "without": "stands for missing"},
        ),
        cells("a single spike", [99_999 if p == 77 else v for p, v in enumerate(V)], V, without="stands for missing"),
        Case(
            "a date column read as text, chosen as the clock",
            csv(
                "when,v",
                [
                    ("spring" if p % 9 == 4 else f"{d}T00:00" if p % 2 else "/".join(d.split("-")), v)
                    for p, (d, v) in enumerate(zip(DAYS, V, strict=False))
                ],
            ),
            {"layout": "series", "time": "when"},
            options={"time": "when"},
        ),
        Case(
            "odd numbers are named",
            csv(
                "date,v",
                [(d, "offline" if p in (20, 90) else v) for p, (d, v) in enumerate(zip(DAYS, V, strict=False))],
            ),
            {**SERIES, "note": "'offline' in row 22"},
        ),
    ]


def _targets() -> list[Case]:
    noise = np.round(rng.normal(size=(300, 4)), 3)
    ids = rng.permutation(300) + 10_000
    jena = "Date Time,p (mbar),T (degC),rh (%),wv (m/s)"
    return [
        Case(
            "the name of the file speaks of a column",
            csv(
                "date,humidity,temperature,pressure",
                [(d, *row) for d, row in zip(DAYS, np.stack([V, V[::-1], V + 3], 1).tolist(), strict=False)],
                "temperature_2019.csv",
            ),
            {**SERIES, "targets": ("temperature",)},
        ),
        Case(
            "the name of the file in the plural",
            csv(
                "date,sunspot,error,count",
                [(d, *row) for d, row in zip(DAYS, np.stack([V, V / 9, V[::-1]], 1).round(2).tolist(), strict=False)],
                "monthly-sunspots.csv",
            ),
            {**SERIES, "targets": ("sunspot",)},
        ),
        Case(
            "an id is no target",
            csv("date,load,meter_id", zip(DAYS, V, ids, strict=False)),
            {**SERIES, "targets": ("load",)},
        ),
        Case(
            "an id in front is no target",
            csv("date,load,Transaction No", zip(DAYS, V, ids, strict=False)),
            {**SERIES, "targets": ("load",)},
        ),
        Case(
            "a constant is no target",
            csv("date,load,unit", zip(DAYS, V, [7] * 300, strict=False)),
            {**SERIES, "targets": ("load",)},
        ),
        Case(
            "Jena",
            csv(
                jena,
                [
                    (f"{1 + p // 144:02d}.01.2009 {p // 6 % 24:02d}:{p % 6 * 10:02d}:00", *row)
                    for p, row in enumerate(np.c_[V + 900, V / 9, V / 2, noise[:, 0]].round(2).tolist())
                ],
                "jena_climate_2009_2016.csv",
            ),
            {"layout": "series", "time": "Date Time"},
        ),
        Case(
            "occupancy",
            csv(
                '"date","Temperature","Light","CO2","Occupancy"',
                [
                    (p + 1, f"2015-02-04 {p // 60 + 10:02d}:{p % 60:02d}:00", *row, int(p % 100 > 60))
                    for p, row in enumerate(np.c_[V, V * 3, V * 5].round(1).tolist())
                ],
            ),
            {"layout": "series", "time": "date"},
        ),
        Case(
            "NAB",
            csv("timestamp,value", [(f"2014-04-{1 + p // 24:02d} {p % 24:02d}:00:00", v) for p, v in enumerate(V)]),
            {"layout": "series", "time": "timestamp", "targets": ("value",)},
        ),
        Case(
            "more than 20 classes at every step",
            csv("x,y,z,label", [(*row[:3], p // 4 % 26 + 1) for p, row in enumerate(noise.tolist())]),
            {"targets": ("label",), "target": "multiclass", "classes": 26},
        ),
        Case(
            "counts are no classes",
            csv("date,visitors", zip(DAYS, rng.poisson(12, 300), strict=False)),
            {**SERIES, "targets": ("visitors",)},
        ),
        Case(
            "classes read as numbers by choice",
            csv("t,x,label", [(p, v, p % 24) for p, v in enumerate(V)]),
            {"target": "regression"},
            options={"target_kind": "regression"},
        ),
        Case(
            "household power",
            csv(
                "Date;Time;Global_active_power;Voltage;Sub_metering_1",
                [
                    (
                        f"{16 + p // 144}/12/2006",
                        f"{p // 6 % 24:02d}:{p % 6 * 10:02d}:00",
                        "?" if p == 9 else f"{v / 50:.3f}",
                        f"{v + 130:.2f}",
                        0.0 if p % 5 else 1.0,
                    )
                    for p, v in enumerate(V)
                ],
                "household_power_consumption.txt",
                ";",
            ),
            {"layout": "series", "time": "Date + Time"},
        ),
        Case(
            "yahoo prices",
            csv(
                "Date,Open,High,Low,Close,Adj Close,Volume",
                [
                    (d, *np.round([v, v + 1, v - 1, v + 0.3, v + 0.2], 2), int(v * 1e4))
                    for d, v in zip(DAYS, V, strict=False)
                ],
                "AAPL.csv",
            ),
            {"layout": "series", "time": "Date", "targets": ("Adj Close",)},
        ),
        Case(
            "months and a season",
            csv("month,sales,season", [(p % 12 + 1, v, ["dry", "wet"][p % 12 > 5]) for p, v in enumerate(SEASON)]),
            {"layout": "series", "time": "", "targets": ("sales",)},
        ),
    ]


CELLS = _styles() + _missing() + _targets()
