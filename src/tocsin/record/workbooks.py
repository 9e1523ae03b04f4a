"""Tables of text in files that a spreadsheet opens: CSV and XLSX, read with bounds and written so
that no field becomes a formula."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from openpyxl import Workbook, load_workbook
from openpyxl.cell import WriteOnlyCell

FILE_BYTES_MAX: Final = 20_000_000
UNPACKED_BYTES_MAX: Final = 50_000_000
PARTS_MAX: Final = 1_000
ROWS_MAX: Final = 100_000
COLUMNS_MAX: Final = 60
CELL_CHARS_MAX: Final = 2_000

Lines = list[tuple[int, dict[Any, Any]]]
"""The rows below the header with their lines in the file (the header's is 1), by column."""


class NotReadable(ValueError):
    """The file cannot be taken as it is; `en` and `zh` say why, and what to do."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh

    def of(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet: its columns, and its rows as `Lines`."""

    header: tuple[str, ...]
    lines: Lines


# -- CSV ------------------------------------------------------------------------------------------

# A spreadsheet takes a field that begins so for a formula (OWASP, CSV injection).
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_GUARDED: Final = re.compile(r"'+[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")


def guarded(field: str) -> str:
    """The field as it is written to CSV: an apostrophe keeps a spreadsheet from calculating it."""
    return f"'{field}" if _FORMULA.match(field) and not _NUMBER.fullmatch(field) else field


def unguarded(field: str) -> str:
    """The inverse of `guarded`."""
    return field[1:] if _GUARDED.match(field) else field


def read_csv(content: bytes) -> Table:
    """A CSV file in UTF-8. Raises `NotReadable`."""
    if len(content) > UNPACKED_BYTES_MAX:
        raise _too_big()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotReadable(
            "the file is not UTF-8: save it as CSV UTF-8", "文件不是 UTF-8 编码：请另存为 CSV UTF-8"
        ) from None
    rows = csv.DictReader(io.StringIO(text, newline=""))
    found: Lines = []
    try:
        for row in rows:
            if len(found) == ROWS_MAX:
                raise _too_many_rows("")
            found.append((rows.line_num, {name: _plain(value) for name, value in row.items()}))
        header = tuple(name.strip() for name in rows.fieldnames or ())
    except csv.Error as error:
        raise NotReadable(f"the file is not CSV: {error}", f"文件不是 CSV：{error}") from None
    return Table(header, found)


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """CSV in UTF-8 with a byte order mark, without which spreadsheets misread Chinese."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([guarded(row.get(column, "")) for column in columns])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(value: Any) -> Any:
    # What stands beyond the header comes as a list, and is an error later.
    return unguarded(value) if isinstance(value, str) else value


# -- XLSX -----------------------------------------------------------------------------------------

_OLE: Final = b"\xd0\xcf\x11\xe0"
_REFUSED_PARTS: Final = re.compile(
    r"vba|macrosheets|activex|embeddings|externallinks|connections|querytables|ctrlprops|dialogsheets"
)
# In any encoding that an XML part may have; entities are how a small part becomes a large one.
_DECLARATIONS: Final = tuple(
    word.encode(encoding)
    for word in ("<!DOCTYPE", "<!ENTITY")
    for encoding in ("utf-8", "utf-16-le", "utf-16-be")
)


def read_xlsx(content: bytes) -> dict[str, Table]:
    """The sheets of a workbook by their names in lower case. Raises `NotReadable`: too big, macros,
    formulas, links to elsewhere, a wrong value, or no workbook at all."""
    _look_into(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions, which we do not read
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=False)
            try:
                found: dict[str, Table] = {}
                rows_left = ROWS_MAX
                for sheet in book.worksheets:
                    table = _table(sheet, rows_left)
                    rows_left -= len(table.lines)
                    found[sheet.title.strip().lower()] = table
                return found
            finally:
                book.close()
    except NotReadable:
        raise
    except Exception as error:  # the library has no one kind of its own
        raise _damaged(type(error).__name__) from error


def write_xlsx(sheets: Mapping[str, tuple[Sequence[str], Iterable[Mapping[str, str]]]]) -> bytes:
    """A workbook in which every cell is text."""
    book = Workbook(write_only=True)
    for name, (columns, rows) in sheets.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append([_cell(sheet, column) for column in columns])
        for row in rows:
            sheet.append([_cell(sheet, row.get(column, "")) for column in columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: Any, text: str) -> Any:
    cell = WriteOnlyCell(sheet, value=text or None)
    if text:
        cell.data_type = "s"  # also where the library sees a formula
        cell.number_format = "@"  # and where a person edits it: 0012 stays 0012
    return cell


def _look_into(content: bytes) -> None:
    """The bounds, before anything is parsed. Raises `NotReadable`."""
    if len(content) > FILE_BYTES_MAX:
        raise _too_big()
    if content.startswith(_OLE):
        raise NotReadable(
            "this is an .xls file or has a password: save it as .xlsx without one",
            "这是 .xls 文件或带密码：请另存为不带密码的 .xlsx",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _look_into_parts(archive)
    except NotReadable:
        raise
    except Exception as error:  # a part may be packed in any way that fails
        raise _damaged(type(error).__name__) from error


def _look_into_parts(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    # What a part says of its size binds: no more than that is unpacked of it.
    if len(parts) > PARTS_MAX or sum(one.file_size for one in parts) > UNPACKED_BYTES_MAX:
        raise _too_big()
    for part in parts:
        _look_into_part(archive, part)


def _look_into_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    if part.flag_bits & 0x1:
        raise NotReadable(
            "the file has a password: save it without one", "文件带密码：请取消密码后另存"
        )
    if _REFUSED_PARTS.search(part.filename.lower()):
        raise NotReadable(
            "the file has macros or links to other files: save it as .xlsx without them",
            "文件含宏或外部链接：请另存为不含宏和链接的 .xlsx",
        )
    whole = archive.read(part)
    if part.filename.lower().endswith((".xml", ".rels", ".vml")):
        if b"macroEnabled" in whole[:20_000]:
            raise NotReadable(
                "the file is a macro workbook: save it as .xlsx",
                "文件是启用宏的工作簿：请另存为 .xlsx",
            )
        if any(word in whole for word in _DECLARATIONS):
            raise NotReadable(
                "the file declares XML entities, as no spreadsheet does: save it anew as .xlsx",
                "文件含 XML 实体声明，正常表格软件不会产生：请重新另存为 .xlsx",
            )


def _table(sheet: Any, rows_left: int) -> Table:
    name = sheet.title
    header: tuple[str, ...] | None = None
    lines: Lines = []
    blank = 0
    for row in sheet.iter_rows(max_col=COLUMNS_MAX):
        filled = [(cell.column, cell.row, _text(name, cell)) for cell in row if _holds(cell)]
        if not filled:
            blank += 1
            if blank > ROWS_MAX:  # a cell far below makes the library give every row above it
                raise _too_many_rows(name)
            continue
        line = filled[0][1]
        if header is None:
            width = filled[-1][0]
            texts = {column: text for column, _, text in filled}
            header = tuple(texts.get(column, "").strip() for column in range(1, width + 1))
            _require_header(name, line, header)
            continue
        if len(lines) == rows_left:
            raise _too_many_rows(name)
        values: dict[Any, Any] = dict.fromkeys((one for one in header if one), "")
        for column, _, text in filled:
            if column > len(header) or not header[column - 1]:
                values.setdefault(None, []).append(text)
            else:
                values[header[column - 1]] = text
        lines.append((line, values))
    return Table(header or (), lines)


def _holds(cell: Any) -> bool:
    return cell.value is not None and cell.value != ""


def _require_header(sheet: str, line: int, header: tuple[str, ...]) -> None:
    if line != 1:
        raise NotReadable(
            f"sheet {sheet}: the names of the columns must stand in row 1, not in row {line}",
            f"工作表 {sheet}：列名须在第 1 行，而不是第 {line} 行",
        )
    twice = sorted({one for one in header if one and header.count(one) > 1})
    if twice:
        raise NotReadable(
            f"sheet {sheet}: the column {twice[0]} is there twice: remove one",
            f"工作表 {sheet}：列 {twice[0]} 重复：请删除其一",
        )


def _text(sheet: str, cell: Any) -> str:
    value, where = cell.value, cell.coordinate
    if cell.data_type == "f" or not isinstance(
        value, str | bool | int | float | datetime | date | time
    ):
        raise NotReadable(
            f"sheet {sheet}, cell {where} is a formula: replace it by its value",
            f"工作表 {sheet} 的单元格 {where} 是公式：请替换为数值",
        )
    if cell.data_type == "e":
        raise NotReadable(
            f"sheet {sheet}, cell {where} shows an error: correct it",
            f"工作表 {sheet} 的单元格 {where} 显示错误：请更正",
        )
    if isinstance(value, datetime):
        at_midnight = value.time() == time()
        text = value.date().isoformat() if at_midnight else value.isoformat(" ")
    elif isinstance(value, float):
        text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    else:
        text = str(value)
    if len(text) > CELL_CHARS_MAX:
        raise NotReadable(
            f"sheet {sheet}, cell {where} is longer than {CELL_CHARS_MAX} characters: shorten it",
            f"工作表 {sheet} 的单元格 {where} 超过 {CELL_CHARS_MAX} 个字符：请缩短",
        )
    return text


def _too_big() -> NotReadable:
    return NotReadable(
        f"the file is too big: at most {FILE_BYTES_MAX // 10**6} MB,"
        f" {UNPACKED_BYTES_MAX // 10**6} MB unpacked and {PARTS_MAX} parts; divide it",
        f"文件过大：最大 {FILE_BYTES_MAX // 10**6} MB，解压后 {UNPACKED_BYTES_MAX // 10**6} MB、"
        f"{PARTS_MAX} 个部件；请拆分",
    )


def _too_many_rows(sheet: str) -> NotReadable:
    where_en, where_zh = (f"sheet {sheet}: ", f"工作表 {sheet}：") if sheet else ("", "")
    return NotReadable(
        f"{where_en}more than {ROWS_MAX} rows: divide the file",
        f"{where_zh}超过 {ROWS_MAX} 行：请拆分文件",
    )


def _damaged(why: str) -> NotReadable:
    return NotReadable(
        f"the file is no .xlsx workbook, or is damaged ({why}): save it anew as .xlsx",
        f"文件不是 .xlsx 工作簿或已损坏（{why}）：请重新另存为 .xlsx",
    )
