"""The plots of a report as reportlab drawings, which its SVG and PDF renderers both take."""

from typing import Any

from audit.report.summary import Ranking, Series

WIDTH = 500.0  # points
_HEIGHT = 170.0
_ROW, _NAMES, _BAR = 16.0, 220.0, 220.0  # height of a row; widths of its name and of the longest bar
_LABELS = 12  # at most so many below the time axis
_LATIN, _CHINESE = "Helvetica", "STSong-Light"  # fonts that PDF readers bring along; nothing is embedded
_COLOURS = ("#2f6f8f", "#c9772b", "#8f2f3f", "#6b6b6b")
_MAX_NAME = 44  # characters


def use_over_time(buckets: tuple[str, ...], use: tuple[Series, ...]) -> Any:
    """Stacked bars: one stack for each bucket, one colour for each series."""
    from reportlab.graphics.charts.barcharts import VerticalBarChart
    from reportlab.graphics.shapes import Drawing
    from reportlab.lib.colors import HexColor

    drawing = Drawing(WIDTH, _HEIGHT)
    chart = VerticalBarChart()
    chart.x, chart.y, chart.width, chart.height = 40, 40, WIDTH - 50, _HEIGHT - 70
    chart.data = [series.values for series in use]
    chart.categoryAxis.style = "stacked"
    step = -(-len(buckets) // _LABELS)
    chart.categoryAxis.categoryNames = [name if place % step == 0 else "" for place, name in enumerate(buckets)]
    chart.categoryAxis.visibleTicks = False
    chart.categoryAxis.labels.fontName = chart.valueAxis.labels.fontName = _LATIN
    chart.categoryAxis.labels.fontSize = chart.valueAxis.labels.fontSize = 7
    chart.categoryAxis.labels.angle, chart.categoryAxis.labels.boxAnchor = 25, "ne"
    chart.valueAxis.valueMin = 0
    chart.valueAxis.labelTextFormat = "%d"
    chart.valueAxis.valueStep = _step(max((sum(values) for values in zip(*chart.data, strict=True)), default=0))
    chart.groupSpacing, chart.barSpacing = 2, 0
    for place, series in enumerate(use):
        bars = chart.bars[place]
        bars.fillColor, bars.strokeColor = HexColor(_COLOURS[place % len(_COLOURS)]), None
        _legend(drawing, place, series)
    drawing.add(chart)
    return drawing


def ranking(rows: Ranking) -> Any:
    """Horizontal bars with their names and counts."""
    from reportlab.graphics.shapes import Drawing, Rect
    from reportlab.lib.colors import HexColor

    height = _ROW * max(len(rows.rows), 1)
    drawing = Drawing(WIDTH, height)
    most = max((row.count for row in rows.rows), default=1)
    for place, row in enumerate(rows.rows):
        y, length = height - _ROW * (place + 1), _BAR * row.count / most
        drawing.add(_label(0, y + 4, shortened(row.name)))
        drawing.add(Rect(_NAMES, y + 2, length, _ROW - 5, fillColor=HexColor(_COLOURS[0]), strokeColor=None))
        drawing.add(_label(_NAMES + length + 6, y + 4, f"{row.count:,}"))
    return drawing


def font(text: str) -> str:
    """The name of a font that has these characters: the one for Chinese is registered on first use."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    if text.isascii():
        return _LATIN
    if _CHINESE not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))
    return _CHINESE


def shortened(name: str) -> str:
    """A name that fits beside a bar, without characters that are no text."""
    clean = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
    return clean if len(clean) <= _MAX_NAME else clean[: _MAX_NAME - 1] + "…"


def _legend(drawing: Any, place: int, series: Series) -> None:
    from reportlab.graphics.shapes import Rect
    from reportlab.lib.colors import HexColor

    x, y = 40 + 115 * place, _HEIGHT - 12
    drawing.add(Rect(x, y, 8, 8, fillColor=HexColor(_COLOURS[place % len(_COLOURS)]), strokeColor=None))
    drawing.add(_label(x + 12, y + 1, f"{series.name}: {sum(series.values):,}"))


def _label(x: float, y: float, text: str) -> Any:
    from reportlab.graphics.shapes import String

    return String(x, y, text, fontName=font(text), fontSize=8)


def _step(highest: int) -> int:
    """A round step that divides an axis up to `highest` into about five parts."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if highest <= 5 * factor * size:
                return factor * size
        size *= 10
