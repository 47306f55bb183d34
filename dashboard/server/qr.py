"""An address as a QR code, drawn as SVG."""

from functools import lru_cache

import segno


@lru_cache(maxsize=64)
def qr_svg(address: str) -> str:
    """Return the SVG of an address's QR code: black on white, with a margin, as large as its place."""
    code = segno.make(address, micro=False, error="m")
    svg: str = code.svg_inline(scale=1, border=4, omitsize=True, light="white")
    return svg
