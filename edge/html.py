"""The pieces of HTML that a page is made of: no script, nothing loaded from outside, all text escaped on its way in."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence

LONG = 24  # characters: a cell with more is broken into lines
GOOD, BAD, UNSURE, QUIET = "#1a7f37", "#b3261e", "#9a6700", "#57606a"
_COLOUR = {
    **dict.fromkeys(("passed", "ok", "taken"), "good"),
    **dict.fromkeys(("failed", "fail", "refused"), "bad"),
    **dict.fromkeys(("undecided", "warning", "waived"), "unsure"),
}
STYLE = f"""
:root {{ --ink: #1f2328; --paper: #fff; --panel: #f6f8fa; --rule: #d0d7de; --faint: #eaeef2; --bar: #0b5cad;
  --good: {GOOD}; --bad: {BAD}; --unsure: {UNSURE}; --quiet: {QUIET}; }}
body {{ font: 16px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  padding: 1rem; max-width: 60rem; }}
h1 {{ font-size: 1.5rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }}
h2 {{ font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--rule); break-after: avoid; }}
h3 {{ font-size: 1rem; margin: 1.2rem 0 .3rem; break-after: avoid; }}
p {{ margin: .4rem 0; overflow-wrap: anywhere; }}
.answer {{ padding: .6rem .8rem; border-left: .5rem solid; background: var(--panel); font-size: 1.1rem; }}
.answer.good {{ border-color: var(--good); }} .answer.bad {{ border-color: var(--bad); }}
.answer.unsure {{ border-color: var(--unsure); }}
.note {{ color: var(--quiet); font-size: .9rem; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .7rem .25rem 0;
  border-bottom: 1px solid var(--faint); }}
th {{ color: var(--quiet); font-weight: 600; }}
td {{ white-space: nowrap; }}
td.long {{ white-space: normal; overflow-wrap: anywhere; min-width: 9.5rem; max-width: 34rem; }}
th.number, td.number {{ text-align: right; }}
td.good, .good strong {{ color: var(--good); }} td.bad, .bad strong {{ color: var(--bad); }}
td.unsure, .unsure strong {{ color: var(--unsure); }}
td.good, td.bad, td.unsure {{ font-weight: 600; }}
.bar {{ width: 12rem; }}
.bar div {{ background: var(--bar); height: .8rem; margin-top: .2rem; print-color-adjust: exact;
  -webkit-print-color-adjust: exact; }}
figure {{ margin: .8rem 0; break-inside: avoid; max-width: 32rem; }}
svg {{ width: 100%; height: auto; }}
tr {{ break-inside: avoid; }} thead {{ break-after: avoid; }}
@media print {{ body {{ font-size: 10pt; padding: 0; }} .scroll {{ overflow: visible; }} }}
"""
# For a page whose plots take their colours from these names too; paper is light.
DARK = """
:root { color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --panel: #161b22;
  --rule: #30363d; --faint: #21262d; --bar: #58a6ff; --good: #3fb950; --bad: #ff7b72; --unsure: #d29922;
  --quiet: #9198a1; } }
"""
_BAR = '<div class="bar"><div style="width: {:.1f}%"></div></div>'


class Markup(str):
    """Text that is HTML already: whatever is not is escaped on its way into the page."""


def page(title: str, parts: Iterable[str], *, style: str = STYLE, pictures: bool = False) -> str:
    """A whole page of `parts`, which are HTML; the reader's browser, too, lets nothing in but `pictures` it holds."""
    policy = "default-src 'none'; style-src 'unsafe-inline'" + ("; img-src data:" if pictures else "")
    head = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{safe(title)}</title>\n<style>{style}</style></head><body>\n"
    )
    return head + "\n".join([*parts, "</body></html>\n"])


def answer(word: str, text: str, colour: str) -> str:
    """What the reader came for, first of all; `colour` is good, bad or unsure."""
    return f'<p class="answer {colour}"><strong>{safe(word)}</strong>: {safe(text)}</p>'


def shown(value: float | None, digits: int = 4) -> str:
    """A number for the reader, a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
    return text.replace("-", "−")


def bars(values: Mapping[str, float], unit: str) -> str:
    """Each value with a bar as long as it is large."""
    most = max(values.values(), default=0.0) or 1.0
    rows = [
        (name, f"{shown(value, 3)} {unit}", Markup(_BAR.format(100 * value / most))) for name, value in values.items()
    ]
    return table((), rows, numbers=(1,)) if rows else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = ()) -> str:
    """A cell that is one of our words gets its colour; the columns of `numbers` are aligned to the right."""
    right = set(numbers)
    titles = "".join(_cell("th", text, "number" if i in right else "") for i, text in enumerate(head))
    lines = [f"<thead><tr>{titles}</tr></thead>"] if head else []
    for row in rows:
        cells = (_cell("td", text, "number" if i in right else _class(text)) for i, text in enumerate(row))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _cell(tag: str, text: str, name: str) -> str:
    return f'<{tag} class="{name}">{safe(text)}</{tag}>' if name else f"<{tag}>{safe(text)}</{tag}>"


def _class(text: str) -> str:
    """A colour for a word of ours, room to wrap for what is long."""
    return _COLOUR.get(text) or ("long" if len(text) > LONG else "")


def plot(svg: str, caption: str) -> str:
    """A plot with its caption; nothing where there is no plot."""
    return f'<figure>{svg}<figcaption class="note">{safe(caption)}</figcaption></figure>' if svg else ""


def paragraph(text: str) -> str:
    """A line of the page."""
    return f"<p>{safe(text)}</p>"


def note(text: str) -> str:
    """A quieter line."""
    return f'<p class="note">{safe(text)}</p>'


def safe(text: str) -> str:
    """Text as HTML; what is `Markup` is so already."""
    return text if isinstance(text, Markup) else html.escape(text)
