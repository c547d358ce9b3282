"""Two pages from an office: text and a ruled table, as a PDF with no picture in it."""

from __future__ import annotations

from pipeline.samples.pdf import Face, PdfPage, pdf

LEFT, RIGHT = 64, 531
TITLE, SUBTITLE = "River gauge report 2024", "Station 114, Lower Mill weir"
INTRODUCTION = (
    "The gauge at Lower Mill was read every day at eight in the morning.",
    "Levels are given in centimetres above the weir; rain was measured",
    "on the roof of the station and is given in millimetres.",
)
COLUMNS = ("Month", "Lowest", "Highest", "Mean", "Rain (mm)")
ROWS = (
    ("January", "41", "118", "67", "104"),
    ("February", "44", "131", "72", "97"),
    ("March", "38", "102", "59", "71"),
    ("April", "33", "84", "51", "58"),
    ("May", "27", "66", "42", "49"),
    ("June", "21", "58", "34", "63"),
    ("July", "16", "49", "28", "52"),
    ("August", "14", "73", "29", "88"),
    ("September", "22", "91", "43", "95"),
    ("October", "35", "124", "62", "112"),
    ("November", "42", "139", "74", "121"),
    ("December", "45", "127", "70", "109"),
)
AFTER = "Table 1. Levels and rain by month."
HEADING = "What the year was like"
REMARKS = (
    "The highest level, 139 cm, was reached on 18 November after three",
    "days of rain. The footbridge was closed for two days.",
    "The lowest level, 14 cm, was read on 9 August. The fish ladder ran",
    "dry for eleven hours, and the gate was opened by hand.",
    "The float was replaced on 2 May (invoice 2024-0871). Readings of",
    "30 April and 1 May are estimates.",
)
FEET = ("Page 1 of 2", "Page 2 of 2")
EDGES = (LEFT, 180, 268, 356, 444, RIGHT)
ROW_HEIGHT = 26


def lines() -> list[list[str]]:
    """What is written on each page; table cells one by one, row by row."""
    cells = [cell for row in (COLUMNS, *ROWS) for cell in row]
    return [[TITLE, SUBTITLE, *INTRODUCTION, *cells, AFTER, FEET[0]], [HEADING, *REMARKS, FEET[1]]]


def draw() -> bytes:
    """PDF."""
    return pdf([_table_page(), _remarks_page()])


def _table_page() -> PdfPage:
    page = PdfPage()
    page.write(LEFT, 96, TITLE, size=24, face="Helvetica-Bold")
    page.write(LEFT, 122, SUBTITLE, size=14)
    _paragraph(page, 166, INTRODUCTION)
    _table(page, 240)
    page.write(LEFT, 240 + ROW_HEIGHT * (len(ROWS) + 1) + 26, AFTER, size=11)
    page.write(270, 800, FEET[0], size=10)
    return page


def _remarks_page() -> PdfPage:
    page = PdfPage()
    page.write(LEFT, 96, HEADING, size=18, face="Helvetica-Bold")
    for index in range(0, len(REMARKS), 2):
        _paragraph(page, 136 + 32 * index, REMARKS[index : index + 2])
    page.write(270, 800, FEET[1], size=10)
    return page


def _paragraph(page: PdfPage, y: float, text: tuple[str, ...]) -> None:
    for index, line in enumerate(text):
        page.write(LEFT, y + 21 * index, line, size=14, face="Times-Roman")


def _table(page: PdfPage, top: float) -> None:
    bottom = top + ROW_HEIGHT * (len(ROWS) + 1)
    page.shade(LEFT, top, RIGHT - LEFT, ROW_HEIGHT, grey=0.88)
    for index in range(len(ROWS) + 2):
        y = top + ROW_HEIGHT * index
        page.line(LEFT, y, RIGHT, y)
    for x in EDGES:
        page.line(x, top, x, bottom)
    for index, row in enumerate((COLUMNS, *ROWS)):
        for x, cell in zip(EDGES, row, strict=False):
            face: Face = "Helvetica-Bold" if index == 0 else "Helvetica"
            page.write(x + 10, top + ROW_HEIGHT * index + 18, cell, size=12, face=face)
