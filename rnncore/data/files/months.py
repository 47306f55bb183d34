"""Names of months and quarters of other languages in English, as the formats of times know them."""

import pyarrow as pa
import pyarrow.compute as pc

# English -> German, French, Spanish, Italian, Portuguese, Dutch and the Scandinavian languages, without their accents
# where they are often left out.
_MONTHS = {
    "Jan": "j[\u00e4a]n(?:uar(?:i|y)?|ner)?|janv(?:ier)?|janeiro|ene(?:ro)?|gen(?:naio)?",
    "Feb": "feb(?:ruar(?:i|y)?|rero|braio)?|f[\u00e9e]v(?:r|rier|ereiro)?|fev(?:ereiro)?",
    "Mar": "m[\u00e4a]rz|mrz|mars?|marzo|mar[\u00e7c]o|maart|mrt|march",
    "Apr": "apr(?:il(?:e)?)?|avr(?:il)?|abr(?:il)?",
    "May": "mai|may(?:o)?|maj|maio|mag(?:gio)?|mei",
    "Jun": "jun(?:i|e|io|ho)?|juin|giu(?:gno)?",
    "Jul": "jul(?:i|y|io|ho)?|juil(?:let)?|lug(?:lio)?",
    "Aug": "aug(?:ust(?:us|i)?)?|ao[\u00fbu]t|ago(?:sto)?",
    "Sep": "sept?(?:ember|embre|iembre)?|set(?:tembre|embro)?",
    "Oct": "o[kc]t(?:ober|obre|ubre)?|okt|out(?:ubro)?|ott(?:obre)?",
    "Nov": "nov(?:ember|embre|iembre|embro)?",
    "Dec": "de[zc](?:ember|embre|embro)?|d[\u00e9e]c(?:embre)?|dic(?:iembre|embre)?|des(?:ember)?",
}
_ROMAN = {"4": "IV", "3": "III", "2": "II", "1": "I"}


def in_english(text: pa.Array) -> pa.Array:
    """Return times with the names of months in English, 'Mrz 1990' as 'Mar 1990', and '1990-IV' as '1990Q4'."""
    for english, names in _MONTHS.items():
        text = pc.replace_substring_regex(text, rf"(?i)(^|[^\p{{L}}])(?:{names})\.?($|[^\p{{L}}])", rf"\1{english}\2")
    for quarter, roman in _ROMAN.items():
        text = pc.replace_substring_regex(text, rf"^(\d{{4}})[-: /.]{{0,3}}{roman}$", rf"\1Q{quarter}")
    return text
