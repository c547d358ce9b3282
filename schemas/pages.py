"""What one page says: text, lines, blocks and tables, in reading order.

The frame of all coordinates: pixels of the page as a viewer shows it (after EXIF orientation, CropBox and /Rotate, at
`dpi`), before any correction of ours; origin top left, x to the right, y down.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.fields import (
    SCHEMA_VERSION,
    Box,
    Code,
    Confidence,
    Count,
    Message,
    PageNumber,
    Polygon,
    Rotation,
    RoundedShare,
    SchemaVersion,
    Sha256,
    Uuid,
)

PageStatus = Literal["ok", "empty", "failed", "skipped"]
BlockKind = Literal["title", "text", "list", "table", "figure", "header", "footer", "page_number"]


class ContentRef(Message):
    """An object we wrote, and how to know that it is the same."""

    bucket: str = Field(description="Bucket of the results store.")
    key: str = Field(description="Object key, not percent-encoded.")
    size: Count = Field(description="Length of the object, in bytes.")
    sha256: Sha256 = Field(description="SHA-256 of the object's bytes, lower-case hexadecimal.")


class TextLine(Message):
    """One line of text where it was found."""

    id: str = Field(description="Name of the line, unique on its page.")
    text: str = Field(
        description="What the line says, Unicode. A raised mark (of a note) is a word of its own in superscript signs, "
        "`1,900 ¹`; behind a unit of length or a single letter it belongs to it, `m²`."
    )
    confidence: Confidence = Field(
        description="How likely the line is exactly right, letter case and spaces left out, 0 to 1, 4 decimals."
    )
    read_as: str | None = Field(
        default=None, description="What the recogniser read, where `text` was corrected by its page; null otherwise."
    )
    junk: bool = Field(
        default=False,
        description="Whether this is probably no text of the page, such as print that shows through from the other "
        "side; it is then in no block, and not in the page's `text`.",
    )
    polygon: Polygon = Field(description="Four corners [x, y] in pixels, clockwise from the text's own top left.")
    bbox: Box = Field(description="[x0, y0, x1, y1] as shares (0 to 1) of page width and height, 6 decimals.")


class Block(Message):
    """A part of the layout: lines that belong together."""

    id: str = Field(description="Name of the block, unique on its page.")
    kind: BlockKind = Field(description="What the block is on the page.")
    polygon: Polygon = Field(description="Four corners [x, y] in pixels, clockwise from its top left as it is read.")
    lines: tuple[str, ...] = Field(default=(), description="Ids of the block's lines, in reading order.")


class Cell(Message):
    """One cell of a table."""

    row: Count = Field(description="Index of the cell's first row, from 0.")
    column: Count = Field(description="Index of the cell's first column, from 0.")
    row_span: int = Field(default=1, ge=1, description="Rows the cell covers, a count.")
    column_span: int = Field(default=1, ge=1, description="Columns the cell covers, a count.")
    header: bool = Field(default=False, description="Whether the cell heads columns.")
    text: str = Field(description="What the cell says, its lines joined by newlines.")
    polygon: Polygon = Field(description="Four corners [x, y] in pixels, clockwise from its top left as it is read.")
    lines: tuple[str, ...] = Field(default=(), description="Ids of the lines inside the cell, in reading order.")


class Table(Message):
    """The structure of one table."""

    id: str = Field(description="Name of the table, unique on its page.")
    polygon: Polygon = Field(description="Four corners [x, y] in pixels, clockwise from its top left as it is read.")
    row_count: Count = Field(description="Rows of the grid, a count.")
    column_count: Count = Field(description="Columns of the grid, a count.")
    cells: tuple[Cell, ...] = Field(description="The cells, row by row.")
    html: str = Field(description="The table as an HTML fragment, text escaped.")
    confidence: Confidence = Field(description="How sure the structure is, 0 to 1, 4 decimals.")

    @model_validator(mode="after")
    def _inside_the_grid(self) -> Self:
        for cell in self.cells:
            if cell.row + cell.row_span > self.row_count or cell.column + cell.column_span > self.column_count:
                raise ValueError("a cell lies outside the table's rows and columns")
        return self


class PageError(Message):
    """Why a page could not be read."""

    code: Code = Field(description="Stable word for the failure, the same in logs, metrics and dead letters.")
    stage: Code = Field(description="The step that failed.")
    message: str = Field(description="One fixed sentence saying what to do; never text of the document.")


class PageResult(Message):
    """One page. With `content` (claim check), text, blocks, lines and tables are null and lie in that object."""

    schema_version: SchemaVersion = Field(default=SCHEMA_VERSION, description="Version of this message, major.minor.")
    document_id: Uuid = Field(description="UUIDv5 of the object read.")
    result_id: Uuid = Field(description="UUIDv5 of document, options and pipeline.")
    number: PageNumber = Field(description="Page number, from 1.")
    status: PageStatus = Field(description="Outcome: ok, empty (nothing to read), failed, or skipped (not asked for).")
    width: Count | None = Field(default=None, description="Page width in pixels at `dpi`; null if never known.")
    height: Count | None = Field(default=None, description="Page height in pixels at `dpi`; null if never known.")
    dpi: int | None = Field(default=None, ge=1, description="Resolution in pixels per inch; null if never known.")
    rotation: Rotation = Field(default=0, description="Clockwise degrees that make the page's text upright.")
    text: str | None = Field(default="", description="The page's lines in reading order, joined by newlines.")
    blocks: tuple[Block, ...] | None = Field(default=(), description="Layout blocks, in reading order.")
    lines: tuple[TextLine, ...] | None = Field(default=(), description="Text lines, in reading order.")
    tables: tuple[Table, ...] | None = Field(default=(), description="Tables, in reading order.")
    warnings: tuple[Code, ...] = Field(default=(), description="Codes of what a reader should know about the page.")
    text_not_read: RoundedShare | None = Field(
        default=None,
        description="Share of the page's text-like ink that lies in none of its lines, 0 to 1; null if not measured.",
    )
    error: PageError | None = Field(default=None, description="Why the page failed; null unless status is failed.")
    content: ContentRef | None = Field(default=None, description="Where the full page lies when it is not in here.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.error is not None) != (self.status == "failed"):
            raise ValueError("a page has an error exactly when its status is failed")
        absent = [part is None for part in (self.text, self.blocks, self.lines, self.tables)]
        if absent != [self.content is not None] * 4:
            raise ValueError("a page carries its text, blocks, lines and tables, or a content reference; never a mix")
        return self

    def claim_check(self, content: ContentRef) -> PageResult:
        """The same page with its body replaced by where it lies."""
        body = {"text": None, "blocks": None, "lines": None, "tables": None}
        return self.model_copy(update={**body, "content": content})
