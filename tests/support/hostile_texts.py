"""Texts that a hostile or a careless person may write wherever words of one's own are allowed."""

HIT = "window.hit = 1"
SCRIPTS = [
    f"<script>{HIT}</script>",
    f'<img src=x onerror="{HIT}">',
    f'"><svg onload="{HIT}">',
    f"</textarea></title></style><script>{HIT}</script>",
    f"javascript:{HIT}",
    f'<a href="javascript:{HIT}">here</a>',
    f"[here](javascript:{HIT}) ![there](http://203.0.113.1/pixel.png)",
    "<style>* { display: none }</style>",
    "<b>bold</b><br>below <sub>small</sub>",
    '<a href="https://example.org">link</a>',
    "&lt;i&gt; &#60;b&#62; &amp;nbsp;",
]
MARKUP = [
    "**bold** _it_ `code` # head",
    "$x^2$ $$\\frac{1}{0}$$",
    ":red[red] :material/home: :smile:",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "%{x} %(name)s {0} {{7*7}} ${7*7}",
    "=HYPERLINK(\"http://203.0.113.1\")",
    "'; DROP TABLE runs; --",
    "../../etc/passwd",
]  # fmt: skip
ODD = [
    "\u202egnp.exe \u2066left\u2069",
    "zero\u200bwidth\ufeff \u00adsoft",
    "\x00nul \x07bell \x1b[31mred \x7f",
    "one\ntwo\r\nSet-Cookie: a=b\ttab",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 \U0001f1e9\U0001f1ea e\u0301",
    "Z" + "\u0300\u0301\u0302\u0303" * 50 + "algo",
    "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u4f60\u597d",
    "   ",
    "null",
]
LONG = ["x" * 100_000, "word " * 20_000, "\U0001f600" * 50_000]
TEXTS = SCRIPTS + MARKUP + ODD
