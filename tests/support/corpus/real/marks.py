"""A third batch: clocks and numbers as offices and other languages write them, and what is a number of things."""

from datetime import date, datetime, timedelta

import numpy as np

from tests.support.corpus.real.case import Case, csv
from tests.support.corpus.real.clocks import days

rng = np.random.default_rng(31)
W = np.round(60 + rng.normal(size=900).cumsum(), 2)
LONG, SERIES = {"layout": "long"}, {"layout": "series"}
GERMAN = "Jan Feb Mrz Apr Mai Jun Jul Aug Sep Okt Nov Dez".split()  # noqa: SIM905
FRENCH = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()  # noqa: SIM905
SHORT_FRENCH = "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.".split()  # noqa: SIM905
SPANISH = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split()  # noqa: SIM905
ROMAN = ("I", "II", "III", "IV")


def comma(value: float) -> str:
    return f"{value:.2f}".replace(".", ",")


def _clock(name: str, header: str, moments: list[str], mark: str = ",", **expect: object) -> Case:
    time, column = header.split(mark)
    values = [comma(v) if mark == ";" else v for v in W[: len(moments)]]
    rows = zip(moments, values, strict=True)
    return Case(name, csv(header, rows, mark=mark), {**SERIES, "time": time, "targets": (column,),
                                                     "first": {column: W[:5].tolist()}, **expect})  # fmt: skip


def _clocks() -> list[Case]:
    months = [(place % 12, 1994 + place // 12) for place in range(132)]
    provisional = [f"{date(2010 + y // 12, y % 12 + 1, 1):%b-%y}{'p' if y > 110 else ''}" for y in range(116)]
    zones = [datetime(2021, 3, 27) + timedelta(hours=hour) for hour in range(120)]
    spring = datetime(2021, 3, 28, 1)
    local = [
        f"{utc + timedelta(hours=1 + (utc >= spring)):%d.%m.%Y %H:%M} {'CEST' if utc >= spring else 'CET'}"
        for utc in zones
    ]
    america = [
        f"{utc - timedelta(hours=5 - (utc >= spring)):%m/%d/%Y %I:%M %p} {'EDT' if utc >= spring else 'EST'}"
        for utc in zones
    ]
    minutes = [f"{datetime(2022, 5, 9, 6) + timedelta(minutes=m):%d/%m/%Y %H:%M:%S}" for m in range(150)]
    monthly = [f"01/{m + 1:02}/{y}" for m, y in months]
    return [
        _clock("months in German", "Monat;Quote", [f"{GERMAN[m]} {y}" for m, y in months], ";"),
        _clock("months in French", "mois,ventes", [f"{FRENCH[m]} {y}" for m, y in months]),
        _clock("short months in French", "date,taux", [f"1 {SHORT_FRENCH[m]} {y}" for m, y in months]),
        _clock("months in Spanish", "fecha;precio", [f"{SPANISH[m]}-{y % 100:02}" for m, y in months], ";"),
        _clock("Roman quarters", "trimestre,pib", [f"{1990 + q // 4}-{ROMAN[q % 4]}" for q in range(100)]),
        _clock("provisional months", "Month,Output", provisional, without="no date"),
        _clock("names of zones over a change of the clocks", "Zeit,Preis", local, without="irregular|repeat"),
        _clock("American zones", "when,load", america, without="irregular|repeat"),
        _clock("the minute 24", "t,v", minutes, without="irregular|repeat|not in order"),
        _clock("clock times by points", "Uhrzeit,v", [f"{6 + m // 60:02}.{m % 60:02}.00" for m in range(150)]),
        _clock("the first of each month, day first", "DATE,rate", monthly, without="irregular"),
    ]


def _years() -> list[Case]:
    falling = [(2021 - place, v) for place, v in enumerate(W[:70])]
    firms = [(f"f{n}", 2020 - y, W[40 * n + y]) for n in range(5) for y in range(30)]
    every = [(2020 - 5 * place, v) for place, v in enumerate(W[:40])]
    words = [(2001 + place // 12, SPANISH[place % 12], v) for place, v in enumerate(W[:96])]
    span = np.datetime64("1994-01-01") + np.arange(730)
    parts = [(str(d)[:4], int(str(d)[5:7]), int(str(d)[8:]), v) for d, v in zip(span, W, strict=False)]
    return [
        Case("falling years of another name", csv("Año,Población", falling),
             {**SERIES, "time": "Año", "note": "newest first", "first": {"Población": W[69:64:-1].tolist()}}),
        Case("falling years in a panel", csv("empresa,ejercicio,ventas", firms),
             {**LONG, "id": "empresa", "time": "ejercicio", "first": {"ventas": W[29:24:-1].tolist()}}),
        Case("every fifth year, falling", csv("jaartal,bevolking", every),
             {**SERIES, "first": {"bevolking": W[39:34:-1].tolist()}}),
        Case("counts that fall are no years", csv("remaining,v", [(70 - p, v) for p, v in enumerate(W[:70])]),
             {**SERIES, "time": "", "first": {"v": W[:5].tolist()}}),
        Case("year and month in Spanish", csv("Año,Mes,valor", words),
             {**SERIES, "time": "Año + Mes", "first": {"valor": W[:5].tolist()}}),
        Case("date_of_month", csv("year,month,date_of_month,births", parts),
             {**SERIES, "time": "year + month + date_of_month", "features": ("births",)}),
        Case("indicators by a period of years",
             csv("Indicator,Unit,Time Period,Data Value",
                 [(f"i{n}", ("Number", "Percent")[n % 4 == 3], 2000 + y, W[20 * n + y])
                  for n in range(40) for y in range(20)]),
             {**LONG, "id": "Indicator", "time": "Time Period", "targets": ("Data Value",)}),
    ]  # fmt: skip


def _numbers() -> list[Case]:
    years = range(1900, 2010)
    stars = [(y, f"{v}{'*' if y % 17 == 3 else ' (e)' if y % 23 == 5 else ''}") for y, v in zip(years, W, strict=False)]
    brackets = [(y, f"{comma(v)}{'[1]' if y % 17 == 3 else '†' if y % 19 == 1 else ''}")
                for y, v in zip(years, W, strict=False)]  # fmt: skip
    letters = [(y, f"{1000 * v:,.0f}{'r' if y % 11 == 3 else 'p' if y > 2006 else ''}".join('""'))
               for y, v in zip(years, W, strict=False)]  # fmt: skip
    flats = [(d, f"{rng.integers(1, 9)}{'abc'[rng.integers(0, 3)]}", v)
             for d, v in zip(days("%Y-%m-%d", 200), W, strict=False)]  # fmt: skip
    moments = [datetime(2020, 1, 1) + timedelta(minutes=17 * n) for n in range(300)]
    cards = rng.choice([4532015112830366, 6011514433546201, 5425233430109903], 300)
    accounts, phones = 10**15 + rng.integers(1, 10**14, 300), 491700000000 + rng.integers(1, 10**7, 300)
    receipts = 10**9 + rng.integers(1, 10**8, 300)
    bins = [
        (d, k, v) for d, v, k in zip(days("%Y-%m-%d", 400), W, np.repeat([3, 5, 4, 6, 7, 2, 8, 43], 50), strict=False)
    ]
    limits = [(d, v, rng.choice([0, 0.05, 0.144, 0.1, 0.12, 0.03, 0.08, 1]))
              for d, v in zip(days("%Y-%m-%d", 300), W, strict=False)]  # fmt: skip
    noted = {"note": "footnote marks", "features": ("tonnes",), "targets": ("tonnes",), **SERIES}
    first = {**noted, "first": {"tonnes": W[:5].tolist()}}
    amounts = [
        (t, round(float(a), 2), c, i, r)
        for t, a, c, i, r in zip(moments, rng.gamma(2, 30, 300), cards, accounts, receipts, strict=True)
    ]
    fields = [(a, y, s) for s in "UWCM" for a in "VGSTP" for y in (1931, 1932)]
    pressures = [(t, comma(v)) for t, v in enumerate(W[:200])]
    return [
        Case("footnotes as stars and letters", csv("year,tonnes", stars), first),
        Case("footnotes in brackets", csv("year;tonnes", brackets, mark=";"), first),
        Case("revised thousands", csv("year,tonnes", letters), noted),
        Case("numbers of flats are no footnotes", csv("date,flat,rent", flats),
             {"targets": ("rent",), "without": "footnote"}, asked=True),
        Case("card numbers", csv("trans_date,amt,cc_num", [row[:3] for row in amounts]),
             {**SERIES, "time": "trans_date", "targets": ("amt",), "features": ("amt",)}),
        Case("numbers of accounts and receipts", csv("when,amount,iban,transaction_id",
             [(*row[:2], *row[3:]) for row in amounts]),
             {**SERIES, "targets": ("amount",), "features": ("amount",)}),
        Case("telephones", csv("datum,dauer,telefon", [(t, d, p) for t, d, p in zip(moments, W, phones, strict=False)]),
             {**SERIES, "time": "datum", "targets": ("dauer",), "note": "name things"}),
        Case("a rare value that is no placeholder", csv("date,bin,v", bins),
             {**SERIES, "without": "stands for missing"}),
        Case("a share of one beside small ones", csv("date,v,share", limits),
             {**SERIES, "without": "stands for missing"}),
        Case("a close with the name of its share", csv("Date,AAPL.Open,AAPL.Close,up",
             [(d, v, v + 0.1, v + 9) for d, v in zip(days("%Y-%m-%d", 200), W, strict=False)]),
             {**SERIES, "targets": ("AAPL.Close",)}),
        Case("decimal commas beside whole numbers", csv("Takt;Druck", pressures, mark=";"),
             {**SERIES, "note": "decimal comma in 'Druck'", "without": "'Takt', 'Druck'"}),
        Case("a few dots", csv("x,y,id", [(12, 5, 1), (8, 3, 2), (5, 11, 3), (9, 2, 4), (14, 8, 5)]),
             {"error": "is too short to be forecast: it has 5 values"}),
        Case("two years of each field", csv("yield,variety,year,site",
             [(round(float(v), 2), *each) for v, each in zip(W, fields, strict=False)]),
             {"error": "the longest has 2 values"}),
    ]  # fmt: skip


MARKS = _clocks() + _years() + _numbers()
