"""A compiled look at the quotes of a text file: whether every field within quotes ends where a field should."""

# Numba finds the types of these functions when it compiles them.
# mypy: ignore-errors

from numba import njit

START, PLAIN, QUOTED, CLOSED, BLANKS = range(5)
"""Where the reader stands: at the start of a field, in one without quotes, in one with, after a quote in it, after
blanks at the start."""

FAULTS, CONTINUED, STATE, ESCAPED = range(4)


@njit(cache=True, nogil=True)
def look_at_quotes(data, separator, quote, escape, found):
    """Count what a strict reader could trip over.

    Args:
        data: uint8 (n,): a piece of the file.
        separator, quote, escape: bytes; of a separator of several bytes the last one.
        found: int64 (4,): faults (text after a closing quote, blanks before an opening one), line ends within quotes,
            and the state, which goes on from piece to piece.
    """
    state, escaped = found[STATE], found[ESCAPED]
    for byte in data:
        if state == QUOTED:
            if escaped:
                escaped = 0
            elif escape != quote and byte == escape:
                escaped = 1
            elif byte == quote:
                state = CLOSED
            elif byte == 10:
                found[CONTINUED] += 1
            continue
        if byte == 10 or byte == separator:
            state = START
        elif state == CLOSED:
            if byte == quote and escape == quote:
                state = QUOTED
            elif byte != 13:
                found[FAULTS] += 1
                state = PLAIN
        elif byte == quote and state != PLAIN:
            if state == BLANKS:
                found[FAULTS] += 1
            state = QUOTED
        elif byte == 32 and state != PLAIN:
            state = BLANKS
        else:
            state = PLAIN
    found[STATE], found[ESCAPED] = state, escaped
