"""A report as PDF, with the same plots as the HTML page."""

import io
from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from audit.report import charts
from audit.report.summary import Summary

_MARGIN = 48.0  # points


def render(summary: Summary) -> bytes:
    """The whole document. Its bytes depend on nothing but the summary."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import SimpleDocTemplate

    title = f"Use of the gateway, {summary.since} to {summary.until}"
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, title=title, author="Hangu", invariant=1,
        leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN,
    )  # fmt: skip
    document.build(_story(summary, title), onFirstPage=_number, onLaterPages=_number)
    return out.getvalue()


def _story(summary: Summary, title: str) -> list[Any]:
    plot = charts.use_over_time(summary.buckets, summary.use) if summary.buckets else _nothing()
    story = [
        _paragraph(title, 16),
        _paragraph(f"{', '.join(summary.origins)}; made {summary.made}", 9),
        *_section("Integrity of the log", _table(summary.integrity)),
        *_section("Totals", _table([(each.name, f"{each.count:,}") for each in summary.totals])),
        *_section("Use over time", plot),
    ]
    for ranking in summary.rankings:
        story += _section(ranking.title, charts.ranking(ranking) if ranking.rows else _nothing())
        if ranking.others:
            story.append(_paragraph(f"and {ranking.others:,} more", 9))
    found = [(each.time, each.what, each.receipt) for each in summary.anomalies]
    return [*story, *_section("To look at", _table(found))]


def _section(title: str, content: Any) -> Iterable[Any]:
    from reportlab.platypus import Spacer

    return [Spacer(1, 14), _paragraph(title, 12), Spacer(1, 4), content]


def _nothing() -> Any:
    return _paragraph("nothing in this period", 9)


def _table(rows: Sequence[Sequence[str]]) -> Any:
    from reportlab.platypus import LongTable

    if not rows:
        return _nothing()
    widths = [92.0] + [(charts.WIDTH - 92.0) / (len(rows[0]) - 1)] * (len(rows[0]) - 1)
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    return LongTable([[_paragraph(cell, 9) for cell in row] for row in rows], widths, hAlign="LEFT", style=style)


def _paragraph(text: str, size: int) -> Any:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.platypus import Paragraph

    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    wrap = None if clean.isascii() else "CJK"
    style = ParagraphStyle("", fontName=charts.font(clean), fontSize=size, leading=size * 1.35, wordWrap=wrap)
    return Paragraph(escape(clean), style)


def _number(canvas: Any, document: Any) -> None:
    canvas.setFont(charts.font(""), 8)
    canvas.drawRightString(document.pagesize[0] - _MARGIN, _MARGIN / 2, str(canvas.getPageNumber()))
