"""Text at run time: arguments whose characters matter, parts, words, text of numbers."""

import subprocess
import sys
from collections import Counter

import pytest
from compare import check

import hotloop


def characters(s, k):
    gc = sum(1 for c in s if c in "GC")
    pairs = {"A": "T", "C": "G", "G": "C", "T": "A"}
    out = ""
    for c in reversed(s):
        out += pairs.get(c, "?")
    return gc, out, s[k], s[-1], s[::-1], s[1:k], [ord(c) for c in s], chr(ord(s[0]) + k)


def table(s):
    count = {"A": 0, "C": 0}
    for c in s:
        count[c] += 1
    return count["A"], count["C"]


def words(s):
    longest = None
    seen = {}
    for w in s.split():
        seen[w] = seen.get(w, 0) + 1
        if longest is None or len(w) > len(longest):
            longest = w
    order = sorted(seen.items(), key=lambda kv: (-kv[1], kv[0]))
    return longest, seen, order, "-".join(seen), [w.upper() for w in seen], max(seen), min(seen)


def methods(s, t):
    return (s == t, s < t, s >= t, t in s, s.find(t), s.rfind(t, 1), s.count(t), s.startswith(t),
            s.endswith(("x", t)), s.replace(t, "<>"), s.strip("ab"), s.upper(), s.swapcase(),
            s.isalpha(), s.isdigit(), s.split(t), s.split(t, 1), s.partition(t), s.rpartition(t),
            s.title(), s.zfill(9), s.splitlines(), s * 2, s + t)


def numbers(n, x):
    return (str(n), f"{n:>6d}|{x:.2f}|{x}|{n!r}|{n > 3}", hex(n), bin(-n), repr(x), str((n, [x])),
            sum(int(c) for c in str(n)), [str(i) for i in range(n)], f"{n}-{n:x}",
            "".join(str(i % 10) for i in range(n)), ["FizzBuzz" if n % 3 == 0 else str(n)])


def parsed(s):
    total = 0
    for w in s.split(","):
        try:
            total += int(w)
        except ValueError:
            total += 1000
    return total, int(s.split(",")[0]), float(s.split(",")[-1])


def runs(s):
    out = ""
    i = 0
    while i < len(s):
        j = i
        while j < len(s) and s[j] == s[i]:
            j += 1
        out += f"{j - i}{s[i]}"
        i = j
    back, n = "", ""
    for c in out:
        if c.isdigit():
            n += c
        else:
            back += c * int(n)
            n = ""
    return out, back == s


def refuses(s):
    for c in s:
        if c not in "ACGT":
            raise ValueError(f"{c!r} in {s}")
    return True


def in_bytes(b, i):
    return b[i], b[1:3], sum(b), b"ab" in b, 97 in b, [x ^ 1 for x in b], b == b"abc", b.find(b"c")


def expression(s):
    at = 0

    def total():
        nonlocal at
        v = factor()
        while at < len(s) and s[at] in "+-":
            op = s[at]
            at += 1
            v = v + factor() if op == "+" else v - factor()
        return v

    def factor():
        nonlocal at
        if s[at] == "(":
            at += 1
            v = total()
            at += 1
            return v
        start = at
        while at < len(s) and s[at].isdigit():
            at += 1
        return int(s[start:at])
    return total()


def permuted(s):
    if len(s) <= 1:
        return [s]
    out = []
    for i in range(len(s)):
        for p in permuted(s[:i] + s[i + 1:]):
            out.append(s[i] + p)
    return out


@pytest.mark.parametrize("f, calls", [
    (characters, [("ACGTG", 2), ("GGX", 1), ("AC", 7), ("ħé\U0001f600", 0)]),
    (table, [("ACA",), ("",), ("AXC",)]),
    (words, [("the cat and  the\tdog ",), ("é b",)]),
    (methods, [("abcab", "ab"), ("Straße x", "x"), ("a\nb\r\nc", "b"), ("", "q")]),
    (numbers, [(12, 2.5), (0, -1e300), (3, 0.1)]),
    (parsed, [("12,x, -7,1_000,5",), ("1,1.5",), ("1,y",), ("+,1",)]),
    (runs, [("WWWBBX",), ("",)]),
    (refuses, [("ACGT",), ("ACXT",), ("",)]),
    (in_bytes, [(b"abc", 1), (b"xyzw", -1), (b"a", 5)]),
    (expression, [("2+(30-4)-5",), ("7",)]),
    (permuted, [("abc",), ("z",)]),
], ids=lambda x: getattr(x, "__name__", ""))
def test_one_compilation_serves_all_texts(f, calls):
    jitted = hotloop.jit(f, cache=False)
    for args in calls:
        check(f, *args, jitted=jitted)
    assert jitted.cache_info().specializations <= 2     # an int that is 1 is another


def test_print(capsys):
    def f(s):
        for w in s.split():
            print(w, f"<{w!r}>", [w])
    for g in (f, hotloop.jit(f, cache=False)):
        g("ab c")
    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == shown[2:] == ["ab <'ab'> ['ab']", "c <'c'> ['c']"]


def modes(x, mode):
    return x * 2 if mode == "double" else (x, mode.upper())


def letters(s):
    return {c: k for k, c in enumerate(sorted(set(s)))}, Counter(s).most_common(1)


def test_known_while_tracing():
    """Modes stay constants; what is refused at run time is compiled for one text."""
    check(modes, 2, "double")
    check(modes, 2, "other")
    check(letters, "banana")
    check(lambda s: tuple(c for c in s), "abc")


def test_programs_without_text_load_none_of_it():
    code = ("import sys, hotloop, numpy as np\n"
            "hotloop.jit(lambda x: [v * 2 for v in x], cache=False)(np.arange(4.0))\n"
            "assert not [m for m in sys.modules if m.startswith('hotloop.frontend.text')]\n"
            "assert 'hotloop.frontend.in_text' not in sys.modules\n")
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)
