"""How a text file is encoded, as far as its bytes tell."""

import codecs
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from recsys.errors import InvalidInput

BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
USUAL = "cp1252"
"""Taken where nothing speaks for another: Western Europe on Windows, Latin-1 with a few letters more."""

CANDIDATES = (
    "cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "iso8859_2", "mac_roman",
    "cp850", "cp437", "cp866", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
)  # fmt: skip
LABELS = {
    "utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16",
    "utf-32": "UTF-32", "cp1252": "Latin-1",
}  # fmt: skip
AS_GOOD = 0.05
ODD = 0.2
"""Share of words that no language writes, from which on another encoding is looked for."""

TOO_FEW = 3
"""Up to so many different letters beyond ASCII tell nothing of an encoding."""

MOST_LOOKED_AT = 1 << 16

_ZEROS = 0.3
_WESTERN = frozenset("äöüÄÖÜßéèêëàâçñóíáúîïôûùãõæøåÆØÅÉÈÀÇÑÓÍÁÚ")
_EAST_ASIA = ("CJK", "KATAKANA", "HIRAGANA", "HANGUL")
_OF_EAST_ASIA = ("euc_jp", "gb18030", "big5", "shift_jis")
_KOREAN = frozenset(
    "이다는에의가을를고하지로도한기사자리인스시어대부전그정나서아제장수주보안해성일동용상세트품소여화구원모공물유비"
)
"""Usual syllables of Korean: Chinese read as Korean gives others."""

_PRICE_SIGNS = re.compile(rb"(?<![A-Za-z\x80-\x9f\xa1-\xff])[\x80\xa3](?![A-Za-z\x80-\x9f\xa1-\xff])")
"""Bytes of the signs of euro and pound in the encoding of Western Europe, with no letter beside them."""

_TURKISH = frozenset("ðþýÐÞÝ")
"""What the letters that Turkish needs most are in the encoding of Western Europe."""


@dataclass(frozen=True)
class Guess:
    """An encoding that was guessed, with some of the text as it reads then."""

    encoding: str
    example: str


def label(encoding: str) -> str:
    """An encoding for people."""
    return LABELS.get(encoding, encoding)


def of_the_start(start: bytes) -> str:
    """The encoding that the first bytes settle: a byte order mark, or zeros between the letters; "" where none does."""
    marked = next((name for mark, name in BOMS if start.startswith(mark)), "")
    if marked or len(start) < 4:
        return marked
    even, odd = start[::2], start[1::2]
    for zeros, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if zeros.count(0) > _ZEROS * len(zeros) and others.count(0) < 0.05 * len(others):
            return name
    return ""


def named(encoding: str) -> str:
    """Python's name of an encoding that a user named.

    Raises:
        InvalidInput: there is no such encoding.
    """
    try:
        found = codecs.lookup(encoding).name
    except LookupError as error:
        raise InvalidInput(
            f"--encoding {encoding!r} is no encoding known here; write for example utf-8, cp1252, cp1251 or shift_jis."
        ) from error
    return "utf-8-sig" if found == "utf-8" else found


def guess(lines: bytes) -> Guess:
    """The encoding of some text that is no UTF-8; lines of ASCII alone tell nothing."""
    from charset_normalizer import from_bytes

    whole = b"\n".join(line for line in lines.splitlines() if not line.isascii())[:MOST_LOOKED_AT]
    sample = _PRICE_SIGNS.sub(b"", whole)  # they stand in columns of prices, and would be letters elsewhere
    matches = {match.encoding: match for match in from_bytes(sample, cp_isolation=list(CANDIDATES))}
    least = min((match.chaos for match in matches.values()), default=0.0)
    near = [match for match in matches.values() if match.chaos <= least + AS_GOOD]
    best = min(
        near,
        key=lambda m: (round(_odd_words(str(m)), 1), -round(m.coherence, 1), CANDIDATES.index(m.encoding)),
        default=None,
    )
    usual = matches.get(USUAL)
    found = USUAL if best is None else best.encoding
    if best is not None and usual is not None and usual.chaos <= best.chaos + AS_GOOD and _as_sane(usual, best):
        found = USUAL
    if sample.decode(found, "replace") == sample.decode(USUAL, errors_of(USUAL)):
        found = USUAL
    beyond = [x for x in sample.decode(USUAL, errors_of(USUAL)) if ord(x) > 127]
    if len(set(beyond)) <= TOO_FEW and set(beyond) <= _WESTERN:
        found = USUAL
    else:
        if found == USUAL and sum(x in _TURKISH for x in beyond) > 0.2 * len(beyond):
            found = "cp1254"
        found = _least_odd(sample, found)
    if found in _OF_EAST_ASIA and _is_korean(sample, found):
        found = "euc_kr"
    text = whole.decode(found, "replace")
    example = next((line.strip() for line in text.splitlines() if line.strip()), "")
    beyond_ascii = next((n for n, x in enumerate(example) if ord(x) > 127), 0)
    begin = max(beyond_ascii - 30, 0)
    return Guess(found, example[begin : begin + 60])


def _is_korean(sample: bytes, found: str) -> bool:
    """Whether all reads as Hangul, usual syllables among it, and without kana in the encoding found."""
    try:
        letters = [x for x in sample.decode("euc_kr") if ord(x) > 127]
    except UnicodeDecodeError:
        return False
    kana = any(unicodedata.name(x, "").startswith(("HIRAGANA", "KATAKANA")) for x in sample.decode(found, "replace"))
    usual = sum(x in _KOREAN for x in letters)
    return not kana and all("가" <= x <= "힣" for x in letters) and usual > ODD * len(letters)


def _least_odd(sample: bytes, found: str) -> str:
    """Another encoding where the text reads oddly in the one found, and not in that one."""
    odd = _odd_words(sample.decode(found, errors_of(found)))
    if odd <= ODD:
        return found
    best = found
    for name in CANDIDATES:
        try:
            now = _odd_words(sample.decode(name))
        except UnicodeDecodeError:
            continue
        if now < odd:
            best, odd = name, now
    return best


def _as_sane(usual: Any, best: Any) -> bool:
    return _odd_words(str(usual)) <= _odd_words(str(best))


def _odd_words(text: str) -> float:
    """The share of words beyond ASCII that no language writes: capitals after small letters, marks between letters,
    two scripts in a word, final letters of Hebrew amid it."""
    words = [word for word in re.findall(r"[^\s,;|\t\"']+", text) if not word.isascii()]
    return sum(map(_is_odd, words)) / max(len(words), 1)


def _is_odd(word: str) -> bool:
    beyond = [x for x in word if ord(x) > 127]
    scripts = {re.split(r"[ -]", unicodedata.name(x, "?"))[0] for x in word if x.isalpha()}
    scripts = {"CJK" if x in _EAST_ASIA else x for x in scripts}
    if any(not x.isalpha() for x in beyond) or len(scripts) > 1:
        return True
    return bool(re.search(r"[ךםןףץ]\w", word)) or any(x.islower() and y.isupper() for x, y in pairwise(word))


def latin_1_byte(error: UnicodeError) -> tuple[str, int]:
    """The five bytes that Windows-1252 leaves open, as Latin-1 has them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("cp1252-or-latin-1", latin_1_byte)


def errors_of(encoding: str) -> str:
    """How bytes that an encoding does not have are read."""
    return "cp1252-or-latin-1" if encoding == USUAL else "replace"
