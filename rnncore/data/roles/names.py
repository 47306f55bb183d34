"""What the names of columns suggest; structure decides, names only break ties."""

import re

import pyarrow as pa

from rnncore.data.files.months import in_english

_WORDS = 60  # of a column that are looked at
LABEL_NAME = re.compile(
    r"^(label|labels|target|targets|class|classes|y|outcome|output|activity|category|answer|sentiment|species|diagnosis"
    r"|spam|emotion|intent|language|klasse|clase|classe|etiqueta|etichetta|kategorie|categoria|cat[eé]gorie)$",
    re.I,
)
_LABEL_AT_THE_END = re.compile(r"[a-z](Label|Class|Target)$")
EVENT_NAME = re.compile(
    r"(^|.*[ _.-])(anomal(y|ies|ous)|outliers?|faults?|failures?|attacks?|alarms?|event|label|class|target)"
    r"([ _.-].*|$)",
    re.I,
)
TIME_NAME = re.compile(
    r"^(t|time|times|timestamp|time.?stamp|date|datetime|days?|weeks?|months?|years?|yr|steps?|hours?|minutes?|seconds?"
    r"|ms|order|seq|frame|tick|quarter|period|index|cycles?|obs|epoch|wave|visit|round"
    r"|time[ _]?points?|(year|yr|iso|fiscal|calendar)[ _.-]?(week|wk|month)"
    r"|.*[ _](time|date|timestamp|cycles?|step|period|interval|hour|minute)"
    r"|(time|date|timestamp|elapsed)[ _.(\[-].*"
    r"|datum|zeit|uhrzeit|zeitpunkt|zeitstempel|takt|schritt|jahre?|fecha|a[nñ]os?|tiempo|hora|paso|heure|ann[eé]e|jour"
    r"|pas|anno|giorno|ora|tempo|jaar|tijd|stap)$",
    re.I,
)
ID_NAME = re.compile(
    r"^(id|.*[ _]id|.*id_.*|uid|case|series|sequence|subject|patient|trial|session|unit|sample|group|symbol|ticker|name"
    r"|station|location|site|city|country|state|province|region|area|district|county|store|shop|item|product|sku|brand"
    r"|dept|department|family|customer|user|machine|device|sensor|run|episode|chick|plant|animal|firm|company|engine"
    r"|file|household|meter|building|school|team|player|driver|vehicle|participant|person|pid|zone|line|entity|page|key"
    r"|individual|stadt|filiale|produkt|artikel|kunde|maschine|anlage|ger[aä]t|standort|tienda|producto|art[ií]culo|ciudad"
    r"|pa[ií]s|cliente|m[aá]quina|estaci[oó]n|magasin|produit|article|ville|pays|client|moteur|negozio|prodotto|citt[aà]"
    r"|winkel|stad"
    r"|(unit|engine|machine|device|store|item|station|subject|patient|sensor|run|trial|user)[ _.-]?"
    r"(no|nr|nbr|num|number|name|code|id)?|.*[ _.-](code|name|number|nbr|nr))$",
    re.I,
)
_ID_AT_THE_END = re.compile(r"[a-z](Id|ID|Nr|No)$")
_CALENDAR = {
    "year": (r"years?|yr|yyyy|jahr|a[nñ]o|ann[eé]e|anno|jaar|år", 1000, 2999),
    "quarter": (r"quarter|qtr|q|quartal|trimestre|kwartaal", 1, 4),
    "month": (r"months?|mon|mo|mm|mnth|monat|mes|m[eê]s|mois|mese|maand|måned", 1, 12),
    "week": (r"week|wk|week[ _]?(no|nr|number|of[ _]?year)|woche|kw|semana|semaine|settimana", 1, 53),
    "day": (r"day|dd|dy|mday|dom|da(y|te)[ _]?of[ _]?(the[ _]?)?month|tag|d[ií]a|jour|giorno|dag", 1, 31),
    "day of the year": (r"doy|yday|julian|day[ _]?of[ _]?(the[ _]?)?year", 1, 366),
    "day of the week": (r"weekday|dow|day[ _]?of[ _]?(the[ _]?)?week", 0, 7),
    "hour": (r"hours?|hr|hh|hour[ _]?of[ _]?(the[ _]?)?day|stunde|hora|heure|ora|uur", 0, 24),
    "minute": (r"minutes?|min|mi", 0, 59),
    "second": (r"seconds?|sec|ss", 0, 59),
}
# Part of a date -> names of its column, smallest and largest value.
CALENDAR = {part: (re.compile(rf"^({names})$", re.I), low, high) for part, (names, low, high) in _CALENDAR.items()}


_CALENDAR_WORD = re.compile(
    r"^(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?$|^[qwm]\d{1,2}$", re.I
)


def are_calendar_words(words: tuple[str, ...]) -> bool:
    """Whether words are months, days of the week, or quarters."""
    return all(_CALENDAR_WORD.match(word) for word in in_english(pa.array(words[:_WORDS], pa.string())).to_pylist())


def is_calendar_name(name: str) -> bool:
    """Whether a column is called like a part of a date or of a day."""
    return any(names.match(name.strip()) for names, _, _ in CALENDAR.values())


def is_label_name(name: str) -> bool:
    """Whether a column is called like the answer to be learned."""
    return bool(LABEL_NAME.match(name.strip()) or _LABEL_AT_THE_END.search(name.strip()))


def is_time_name(name: str) -> bool:
    """Whether a column is called like a clock or a counter."""
    return bool(TIME_NAME.match(name.strip()))


def is_id_name(name: str) -> bool:
    """Whether a column is called like what tells things apart."""
    return bool(ID_NAME.match(name.strip()) or _ID_AT_THE_END.search(name.strip()))
