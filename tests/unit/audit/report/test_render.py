"""A report as HTML and PDF: all of the summary, nothing executable, nothing from elsewhere, the same bytes twice."""

import io
from html.parser import HTMLParser

import pytest
from pypdf import PdfReader

from audit.report import html, pdf
from audit.report.summary import Anomaly, Count, Ranking, Series, Summary

HOURS = tuple(f"11-{day} {hour:02d}:00" for day in (22, 23) for hour in range(24))
SUMMARY = Summary(
    origins=("host-a/hangu", "host-b/hangu"),
    since="2026-11-22",
    until="2026-11-24",
    made="2026-11-24T08:00:00Z",
    integrity=(("host-a/hangu", "clean: 12,345 lines signed"), ("host-b/hangu", "TAMPERED: 000000000000.log:7: x")),
    totals=(Count("requests", 12_345), Count("refused", 40)),
    buckets=HOURS,
    use=(Series("answered", tuple(range(48))), Series("refused", (3,) * 48)),
    rankings=(
        Ranking("Refusals by reason", (Count("rate_limit_exceeded", 30), Count("prompt_blocked", 7)), others=3),
        Ranking("Subjects", (Count("user:张伟", 300), Count("user:<img src=x onerror=alert(1)>", 9))),
        Ranking("Rules", ()),
    ),
    anomalies=(Anomaly("2026-11-23T08:00", "<script>alert(1)</script> & more \x1b[31m", "host-a/hangu/17"),),
)
EMPTY = Summary(("host-a/hangu",), "2026-11-22", "2026-11-24", "2026-11-24", (), (), (), (), (), ())


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_html_says_all_of_it() -> None:
    """Every origin, total, ranking and anomaly can be read on the page; an empty ranking says that it is empty."""
    text = " ".join(Page(html.render(SUMMARY)).words)
    for expected in (
        "host-a/hangu", "host-b/hangu", "TAMPERED: 000000000000.log:7", "12,345", "rate_limit_exceeded", "and 3 more",
        "user:张伟", "answered: 1,128", "host-a/hangu/17", "nothing in this period", "11-22 00:00",
    ):  # fmt: skip
        assert expected in text, expected


def test_script_injection_into_the_report() -> None:
    """A subject or anomaly that is HTML is shown as text; terminal escapes are not passed on."""
    page = Page(html.render(SUMMARY))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert "<script>alert(1)</script> & more" in " ".join(page.words)
    assert "\x1b" not in html.render(SUMMARY)


def test_html_loads_nothing() -> None:
    """No link, image or style from elsewhere; the page forbids its reader's browser to load any."""
    page = Page(html.render(SUMMARY))
    assert not {"link", "iframe", "object", "embed"} & set(page.tags)
    assert not [value for name, value in page.attributes if name in ("src", "href", "xlink:href")]
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in page.attributes


def test_pdf_says_all_of_it() -> None:
    """The PDF opens, and its text holds what the page holds."""
    text = "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf.render(SUMMARY))).pages)
    for expected in ("host-b/hangu", "TAMPERED", "12,345", "rate_limit_exceeded", "host-a/hangu/17", "nothing in"):
        assert expected in text, expected


@pytest.mark.parametrize("summary", [SUMMARY, EMPTY], ids=["full", "empty"])
def test_the_same_summary_gives_the_same_bytes(summary: Summary) -> None:
    """Two renderings differ in nothing, so that reports can be compared; an empty period is a report too."""
    assert pdf.render(summary) == pdf.render(summary)
    assert html.render(summary) == html.render(summary)


def test_a_long_report_has_pages() -> None:
    """Hundreds of anomalies flow over pages."""
    many = tuple(Anomaly("2026-11-23", f"医保 number {n}", f"host-a/hangu/{n}") for n in range(300))
    summary = Summary(("host-a/hangu",), "a", "b", "c", (), (), (), (), (), many)
    assert len(PdfReader(io.BytesIO(pdf.render(summary))).pages) > 3
