"""How pages for people look: colours, numbers in words, templates.

The preview of a send and the reports of experiments are made with these. A page is one file, and
nothing in it points outside. Open this file to see what a template may rely on.
"""

import math
from collections.abc import Callable, Mapping
from pathlib import Path

INK, SOFT, HAIR, BASELINE, ACCENT = "#1f2428", "#646c76", "#dfe2e6", "#3f464f", "#0b7d73"
COLOURS = {"INK": INK, "SOFT": SOFT, "HAIR": HAIR, "BASELINE": BASELINE, "ACCENT": ACCENT}
TEMPLATES = Path(__file__).parent / "templates"


def format_percent(value: float, decimals: int = 0, sign: bool = False) -> str:
    """A share as 12 % or, with its sign, +12 %; a dash for NaN.

    The space does not break, and minus is a real minus.
    """
    if not math.isfinite(value):
        return "\u2013"
    text = f"{100 * value:{'+' if sign else ''}.{decimals}f}"
    text = text.lstrip("+-") if float(text) == 0 else text
    return text.replace("-", "\u2212") + "\u00a0%"


def fill_template(
    template: str,
    folder: Path = TEMPLATES,
    filters: Mapping[str, Callable[..., object]] | None = None,
    **values: object,
) -> str:
    """A page as text; autoescaped, and a missing value is an error.

    folder: of the template, which may include those of this folder as well
    filters: by name, beside `percent`
    """
    import jinja2  # of a send, only the page needs it

    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {"percent": format_percent} | dict(filters or {})
    return env.get_template(template).render(colours=COLOURS, **values)
