"""Text tables written in every manner: delimiters, quotes, encodings, line ends, and lines around the table."""

from tests.support.corpus.build import DAYS, SERIES, TWO, WAVE, WAVES, Good, dated, table, text

PLAIN = dated()
ROWS = PLAIN.split("\n", 1)[1]


def _delimiters() -> list[Good]:
    quoted_commas = [[day, f'"{str(value).replace(".", ",")}"'] for day, value in zip(DAYS, WAVE, strict=True)]
    all_quoted = [[f'"{day}"', f'"{value}"'] for day, value in zip(DAYS, WAVE, strict=True)]
    aligned = "\n".join(f"{a:10.3f}{b:10.3f}" for a, b in WAVES)
    return [
        text("comma", PLAIN, SERIES),
        text("semicolon", dated(delimiter=";"), SERIES),
        text("tab", dated(delimiter="\t"), SERIES, file="x.tsv"),
        text("bar", dated(delimiter="|"), SERIES),
        text("semicolon, decimal comma", dated(decimal=",", delimiter=";"), SERIES, "decimal comma"),
        text("tab, decimal comma", dated(decimal=",", delimiter="\t"), SERIES),
        text("quoted decimal comma", table(quoted_commas, ",", ["date", "value"]), SERIES),
        text("all quoted", table(all_quoted, ",", ['"date"', '"value"']), SERIES),
        text("quoted delimiter in a name", 'date,"value, scaled"\n' + ROWS, SERIES | {"targets": ("value, scaled",)}),
        text("quoted line break in a name", 'date,"value\nhere"\n' + ROWS, SERIES | {"targets": ("value here",)}),
        text("excel's sep line", "sep=;\n" + dated(delimiter=";"), SERIES),
        text("spaces", table(WAVES, "  ", ["a", "b"]), TWO, file="x.txt"),
        text("aligned columns", aligned, TWO | {"targets": ("column 2",)}, file="x.dat"),
    ]


def _encodings() -> list[Good]:
    return [
        text("windows line ends", PLAIN.replace("\n", "\r\n"), SERIES),
        text("old mac line ends", PLAIN.replace("\n", "\r"), SERIES),
        text("no newline at the end", PLAIN.rstrip(), SERIES),
        text("utf-8 mark", b"\xef\xbb\xbf" + PLAIN.encode(), SERIES),
        text("utf-16 little", b"\xff\xfe" + PLAIN.encode("utf-16-le"), SERIES, "utf-16"),
        text("utf-16 big", b"\xfe\xff" + PLAIN.encode("utf-16-be"), SERIES, "utf-16"),
        text("utf-16 without mark", PLAIN.encode("utf-16-le"), SERIES, "utf-16"),
        text("utf-32", PLAIN.encode("utf-32"), SERIES, "utf-32"),
        text(
            "latin-1",
            dated(header=("date", "größe")).encode("latin-1"),
            SERIES | {"targets": ("größe",)},
            "cp1252",
        ),
        text("utf-8 names", dated(header=("date", "气温")), SERIES | {"targets": ("气温",)}),
    ]


def _lines_around() -> list[Good]:
    """Comments, titles, footers, blank lines, and headers that are missing or odd."""
    one_column = table([[value] for value in WAVE], header=["value"])
    row_names = table([[f"r{i}", *row] for i, row in enumerate(WAVES)]).replace("r0,", "a,b\nr0,", 1)
    return [
        text("comment lines on top", "# made by hand\n# in 2020\n" + PLAIN, SERIES),
        text("comment lines between", PLAIN.replace("2020-02-10", "# a pause\n2020-02-10"), SERIES),
        text("header in a comment", "# a b\n" + table(WAVES, " "), TWO, file="x.txt"),
        text("title lines", "Station 7\n\nProvided as is\n" + PLAIN, SERIES, "left out"),
        text("footer", PLAIN + "Source: the station\n", SERIES, "left out"),
        text("blank lines", PLAIN.replace("\n", "\n\n"), SERIES),
        text("empty rows", PLAIN + ",\n,\n", SERIES, "left out"),
        text("no header", table(WAVES), TWO | {"targets": ("column 2",)}, "no header"),
        text("one column", one_column, SERIES | {"time": ""}),
        text(
            "one column, no header",
            one_column.split("\n", 1)[1],
            SERIES | {"time": "", "targets": ("column 1",)},
        ),
        text("txt ending", PLAIN, SERIES, file="x.txt"),
        text("no ending", PLAIN, SERIES, file="data"),
        text("empty names", "date,\n" + ROWS, SERIES | {"targets": ("column 2",)}),
        text(
            "twice the same name",
            table(WAVES, ",", ["a", "a"]),
            TWO | {"targets": ("a (2)",)},
            "more than once",
        ),
        text("row names, shorter header", row_names, TWO),
    ]


WRITING = _delimiters() + _encodings() + _lines_around()
