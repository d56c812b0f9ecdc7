"""A report as one HTML file: no script, nothing loaded from elsewhere, every text escaped."""

from collections.abc import Iterable
from html import escape

from audit.report import charts
from audit.report.summary import Count, Ranking, Summary

_STYLE = """
body { font: 15px/1.45 system-ui, "Noto Sans CJK SC", sans-serif; color: #222 }
body { max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem; margin-bottom: 0 }
h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc }
table { border-collapse: collapse }
td, th { text-align: left; padding: .15rem 1.2rem .15rem 0; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums }
svg { width: 100%; height: auto }
svg text { font-family: system-ui, "Noto Sans CJK SC", sans-serif !important }
.none { color: #777 }
"""


def render(summary: Summary) -> str:
    """The whole document."""
    title = f"Use of the gateway, {summary.since} to {summary.until}"
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{_text(', '.join(summary.origins))}; made {_text(summary.made)}</p>",
        "<h2>Integrity of the log</h2>",
        _table([f"<th>{_text(label)}</th><td>{_text(text)}</td>" for label, text in summary.integrity]),
        "<h2>Totals</h2>",
        _counts(summary.totals),
        "<h2>Use over time</h2>",
        _svg(charts.use_over_time(summary.buckets, summary.use)) if summary.buckets else _NOTHING,
        *(_ranking(ranking) for ranking in summary.rankings),
        "<h2>To look at</h2>",
        _anomalies(summary),
    ]
    head = f'<meta charset="utf-8"><title>{_text(title)}</title><style>{_STYLE}</style>'
    policy = "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    body = "\n".join(parts)
    return f'<!doctype html>\n<html lang="en"><head>{policy}{head}</head>\n<body>\n{body}\n</body></html>\n'


_NOTHING = '<p class="none">nothing in this period</p>'


def _ranking(ranking: Ranking) -> str:
    if not ranking.rows:
        return f"<h2>{_text(ranking.title)}</h2>\n{_NOTHING}"
    others = f"<p>and {ranking.others:,} more</p>" if ranking.others else ""
    return f"<h2>{_text(ranking.title)}</h2>\n{_svg(charts.ranking(ranking))}{others}"


def _anomalies(summary: Summary) -> str:
    if not summary.anomalies:
        return _NOTHING
    cells = [
        f"<td>{_text(found.time)}</td><td>{_text(found.what)}</td><td><code>{_text(found.receipt)}</code></td>"
        for found in summary.anomalies
    ]
    return _table(cells)


def _counts(counts: Iterable[Count]) -> str:
    return _table([f'<th>{_text(each.name)}</th><td class="n">{each.count:,}</td>' for each in counts])


def _table(rows: Iterable[str]) -> str:
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _svg(drawing: object) -> str:
    """The drawing as an SVG element, without the XML prologue that HTML does not want."""
    from reportlab.graphics import renderSVG

    text = str(renderSVG.drawToString(drawing))
    return text[text.index("<svg") :]


def _text(text: str) -> str:
    return escape("".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text))
