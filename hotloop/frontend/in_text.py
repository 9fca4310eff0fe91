"""What is done with text at run time, as plain Python over the pool of codes: traced once for each
program (`separate`), and called.

    codes    the pool; a text is (s, n): n codes from place s on, or for s < 0 the code ~s alone

What makes text puts it at the end of the pool and gives its start. Letters beyond ASCII are left to
Python: functions say so (-1), and their callers call it.
"""

# ruff: noqa: SIM110
from __future__ import annotations

from hotloop.frontend.separate import separately
from hotloop.frontend.text_codes import code, push, put_code


@separately
def equal(codes, s, n, t, m):
    if n != m:
        return False
    for i in range(n):
        if code(codes, s, i) != code(codes, t, i):
            return False
    return True


@separately
def compared(codes, s, n, t, m):
    """Below, at or above zero as the first text is."""
    for i in range(min(n, m)):
        a = code(codes, s, i)
        b = code(codes, t, i)
        if a != b:
            return a - b
    return n - m


@separately
def found(codes, s, n, t, m, low, high):
    """The first place of the second text in s[low:high], or -1."""
    for i in range(low, high - m + 1):
        k = 0
        while k < m and code(codes, s, i + k) == code(codes, t, k):
            k += 1
        if k == m:
            return i
    return -1


@separately
def found_last(codes, s, n, t, m, low, high):
    i = high - m
    while i >= low:
        k = 0
        while k < m and code(codes, s, i + k) == code(codes, t, k):
            k += 1
        if k == m:
            return i
        i -= 1
    return -1


@separately
def counted(codes, s, n, t, m, low, high):
    """How often, without overlaps."""
    count = 0
    i = low
    while i + m <= high:
        k = 0
        while k < m and code(codes, s, i + k) == code(codes, t, k):
            k += 1
        if k == m:
            count += 1
            i += max(m, 1)
        else:
            i += 1
    return count


@separately
def hashed(codes, s, n):
    h = 5381
    for i in range(n):
        h = (h * 1000003 ^ code(codes, s, i)) & 1099511627775
    return h


@separately
def copied(codes, s, n):
    for i in range(n):
        push(codes, code(codes, s, i))


@separately
def joined(codes, s, n, t, m):
    """Where both stand, one behind the other. What ends the pool goes on where it is."""
    start = s
    if s < 0 or s + n != len(codes):
        start = len(codes)
        for i in range(n):
            push(codes, code(codes, s, i))
    for i in range(m):
        push(codes, code(codes, t, i))
    return start


@separately
def repeated(codes, s, n, times):
    for _ in range(times):
        for i in range(n):
            push(codes, code(codes, s, i))


@separately
def gathered(codes, s, first, size, step):
    for i in range(size):
        push(codes, code(codes, s, first + i * step))


@separately
def upper(codes, s, n):
    for i in range(n):
        c = code(codes, s, i)
        if c > 127:
            return -1
        push(codes, c - 32 if 97 <= c and c <= 122 else c)
    return n


@separately
def lower(codes, s, n):
    for i in range(n):
        c = code(codes, s, i)
        if c > 127:
            return -1
        push(codes, c + 32 if 65 <= c and c <= 90 else c)
    return n


@separately
def swapped(codes, s, n):
    for i in range(n):
        c = code(codes, s, i)
        if c > 127:
            return -1
        if 65 <= c and c <= 90:
            c += 32
        elif 97 <= c and c <= 122:
            c -= 32
        push(codes, c)
    return n


@separately
def replaced(codes, s, n, t, m, u, k, most):
    """All of the second text by the third; how often."""
    i = 0
    count = 0
    while i <= n:
        same = 0
        if count != most and i + m <= n:
            while same < m and code(codes, s, i + same) == code(codes, t, same):
                same += 1
        else:
            same = -1
        if same == m:
            for j in range(k):
                push(codes, code(codes, u, j))
            count += 1
            i += m
        if same != m or m == 0:
            if i < n:
                push(codes, code(codes, s, i))
            i += 1
    return count


@separately
def stripped(codes, s, n, t, m, left, right):
    """First and length of what is left without the characters of the second text at the ends."""
    first = 0
    end = n
    if left:
        while first < end and is_among(codes, code(codes, s, first), t, m):
            first += 1
    if right:
        while end > first and is_among(codes, code(codes, s, end - 1), t, m):
            end -= 1
    return first, end - first


@separately
def is_among(codes, c, t, m):
    for i in range(m):
        if code(codes, t, i) == c:
            return True
    return False


def is_space(c):
    return c == 32 or 9 <= c and c <= 13 or 28 <= c and c <= 31 or c == 133 or c == 160 or (
        c > 5000 and (c == 5760 or 8192 <= c and c <= 8202 or c == 8232 or c == 8233
                      or c == 8239 or c == 8287 or c == 12288))


@separately
def next_word(codes, s, n, i):
    """Where the next word begins and ends; n and n if there is none."""
    while i < n and is_space(code(codes, s, i)):
        i += 1
    end = i
    while end < n and not is_space(code(codes, s, end)):
        end += 1
    return i, end


@separately
def next_line(codes, s, n, i):
    """The end of the line that begins at i, and where the next one begins."""
    while i < n:
        c = code(codes, s, i)
        if 10 <= c and c <= 13 or 28 <= c and c <= 30 or c == 133 or c == 8232 or c == 8233:
            if c == 13 and i + 1 < n and code(codes, s, i + 1) == 10:
                return i, i + 2
            return i, i + 1
        i += 1
    return n, n


@separately
def all_digits(codes, s, n):
    for i in range(n):
        c = code(codes, s, i)
        if c > 127:
            return -1
        if c < 48 or c > 57:
            return 0
    return 1 if n > 0 else 0


@separately
def all_letters(codes, s, n):
    for i in range(n):
        c = code(codes, s, i)
        if c > 127:
            return -1
        c |= 32
        if c < 97 or c > 122:
            return 0
    return 1 if n > 0 else 0


@separately
def all_alphanumeric(codes, s, n):
    for i in range(n):
        c = code(codes, s, i)
        if c > 127:
            return -1
        if c < 48 or c > 57:
            c |= 32
            if c < 97 or c > 122:
                return 0
    return 1 if n > 0 else 0


@separately
def all_spaces(codes, s, n):
    for i in range(n):
        if not is_space(code(codes, s, i)):
            return 0
    return 1 if n > 0 else 0


@separately
def all_upper(codes, s, n):
    some = 0
    for i in range(n):
        c = code(codes, s, i)
        if c > 127:
            return -1
        if 97 <= c and c <= 122:
            return 0
        if 65 <= c and c <= 90:
            some = 1
    return some


@separately
def all_lower(codes, s, n):
    some = 0
    for i in range(n):
        c = code(codes, s, i)
        if c > 127:
            return -1
        if 65 <= c and c <= 90:
            return 0
        if 97 <= c and c <= 122:
            some = 1
    return some


@separately
def digits(codes, number, base, upper_case):
    """The text of an int, in a base up to 16."""
    w = number if number < 0 else -number          # the lowest int has no opposite
    size = 1
    rest = w
    while rest <= -base:
        rest = (rest + (base - 1)) // base
        size += 1
    if number < 0:
        push(codes, 45)
        size += 1
    k = len(codes) - 1
    for _ in range(size - (1 if number < 0 else 0)):
        push(codes, 48)
        k += 1
    while w <= -base:
        next_w = (w + (base - 1)) // base
        d = next_w * base - w
        put_code(codes, k, d + 48 if d < 10 else d + (55 if upper_case else 87))
        w = next_w
        k -= 1
    d = -w
    put_code(codes, k, d + 48 if d < 10 else d + (55 if upper_case else 87))
    return size


@separately
def parsed(codes, s, n):
    """(1, the int that a text stands for); 0 if it is none, 2 if Python has to tell: it has many
    digits, or is not of ASCII."""
    first = 0
    end = n
    while first < end and is_space(code(codes, s, first)):
        first += 1
    while end > first and is_space(code(codes, s, end - 1)):
        end -= 1
    sign = 1
    if first < end:
        c = code(codes, s, first)
        if c == 43 or c == 45:
            first += 1
            if c == 45:
                sign = -1
    if first == end:
        return 0, 0
    number = 0
    digit = False
    while first < end:
        c = code(codes, s, first)
        if c > 127:
            return 2, 0
        if c == 95 and digit and first + 1 < end:
            digit = False
            first += 1
            continue
        if c < 48 or c > 57:
            return 0, 0
        digit = True
        if number > 922337203685477579:
            return 2, 0
        number = number * 10 + (c - 48)
        first += 1
    return 1, number * sign


@separately
def packed(codes, s, n, first, room):
    """Nine characters from `first` on in one number, as messages of exceptions show them."""
    word = 0
    scale = 1
    for i in range(first, min(n, first + 9)):
        c = code(codes, s, i)
        if c > 127:
            c = 26
        if i == room - 1 and n > room:
            c = 3
        word += c * scale
        if i < first + 8:
            scale *= 128
    return word
