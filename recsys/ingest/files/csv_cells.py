"""The fields of one line, or of one record, of a text file with separators."""


def cells_of(text: str, separator: str, quote: str, escape: str) -> tuple[list[str] | None, bool]:
    """The fields of a record, and whether its last quote closes; no fields where text follows a closing quote."""
    cells: list[str] = []
    place = 0
    while True:
        begin = place
        while text[begin : begin + 1] == " ":
            begin += 1
        if not quote or text[begin : begin + 1] != quote:
            end = text.find(separator, place)
            if end < 0:
                return [*cells, text[place:]], True
            cells.append(text[place:end])
            place = end + len(separator)
            continue
        content, end = _quoted(text, begin + 1, quote, escape)
        if end < 0:
            return None, False
        while text[end : end + 1] in (" ", "\r"):
            end += 1
        cells.append(content)
        if end >= len(text):
            return cells, True
        if not text.startswith(separator, end):
            return None, True
        place = end + len(separator)


def _quoted(text: str, place: int, quote: str, escape: str) -> tuple[str, int]:
    """What stands within quotes from a place on, and where the text goes on; -1 where they do not close."""
    parts = []
    while True:
        end = text.find(quote, place)
        if end < 0:
            return "", -1
        if escape == quote and text[end + 1 : end + 2] == quote:
            parts.append(text[place : end + 1])
            place = end + 2
        elif escape != quote and (len(text[:end]) - len(text[:end].rstrip(escape))) % 2:
            parts.append(text[place : end - 1] + quote)
            place = end + 1
        else:
            return "".join(parts) + text[place:end], end + 1


def as_it_stands(line: str, separator: str, quote: str) -> list[str] | None:
    """Fields with quotes as part of the text, separators between two quotes too; None where the last one is open."""
    cells, begin, place, inside = [], 0, 0, False
    while place < len(line):
        if line[place] == quote:
            inside = not inside
        elif not inside and line.startswith(separator, place):
            cells.append(_bare(line[begin:place], quote))
            begin = place = place + len(separator)
            continue
        place += 1
    return None if inside else [*cells, _bare(line[begin:].rstrip("\r"), quote)]


def _bare(cell: str, quote: str) -> str:
    """A cell without the quotes around it, if those are its only ones."""
    text = cell.strip()
    if len(text) > 1 and text[0] == text[-1] == quote and text.count(quote) == 2:
        return text[1:-1]
    return cell
