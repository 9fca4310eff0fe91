"""Parts of text of run time as plain Python, traced like the user's code: what gives text or lists
of it, in terms of the loops of `in_text`.
"""

from __future__ import annotations

from hotloop.frontend.text_parts import (
    code,
    line_from,
    part,
    place_from,
    put,
    size,
    word_from,
)


def words(text, most):
    n = size(text)
    i = 0
    count = 0
    while True:
        first, end = word_from(text, i)
        if first >= n:
            break
        if count == most:
            yield text[first:].rstrip()
            break
        yield part(text, first, end - first)
        count += 1
        i = end


def pieces(text, sep, most):
    n = size(text)
    m = size(sep)
    i = 0
    count = 0
    while True:
        at = -1 if count == most else place_from(text, sep, i)
        if at < 0:
            break
        yield part(text, i, at - i)
        count += 1
        i = at + m
    yield part(text, i, n - i)


def lines(text, keep):
    n = size(text)
    i = 0
    while i < n:
        end, after = line_from(text, i)
        yield part(text, i, (after if keep else end) - i)
        i = after


def parted(text, sep, at):
    if at < 0:
        return text, "", ""
    m = size(sep)
    return part(text, 0, at), sep, part(text, at + m, size(text) - at - m)


def parted_last(text, sep, at):
    if at < 0:
        return "", "", text
    m = size(sep)
    return part(text, 0, at), sep, part(text, at + m, size(text) - at - m)


def joined(sep, items):
    first = True
    for x in items:
        if not first:
            put(sep)
        first = False
        put(x)


def count_character(text, one):
    c = code(one, 0)
    count = 0
    for i in range(size(text)):
        if code(text, i) == c:
            count += 1
    return count


def clipped(low, high, n):
    """Ends as slices have them: from the end if they are negative, and none beyond the text."""
    if low < 0:
        low = max(low + n, 0)
    if high < 0:
        high = max(high + n, 0)
    return low, min(high, n)


def checked_int(text, status, number):
    if status == 0:
        raise ValueError(f"invalid literal for int() with base 10: {text!r}")
    return number


def checked_float(text, good, number):
    if not good:
        raise ValueError(f"could not convert string to float: {text!r}")
    return number
