"""Random programs over many dtypes, layouts and statements, compiled and plain.

`python tests/test_random_kinds.py KIND FROM TO` looks longer, each stretch in a child process, so
that a crash is found too; a failure prints the program and its arguments.
"""

import collections
import contextlib
import copy
import dataclasses
import io
import math
import multiprocessing
import random
import sys

import pytest
from compare import outcome, same
from random_kinds import KINDS, generate
from test_random_programs import define

import hotloop
from hotloop import errors


@dataclasses.dataclass
class Box:
    u: float
    v: int
    w: object


def printed(function, args):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        kind, value = outcome(function, args, {})
    return kind, value, out.getvalue()


def same_error(got, expected):
    """Is it the same error, or one of another part of the same statement or declaration?"""
    if isinstance(got, OverflowError) and "64" in str(got):
        return True                             # docs/deviations.md
    if "read-only" in str(expected) or isinstance(got, NameError):
        return isinstance(expected, ValueError | NameError)
    return isinstance(expected, type(got))


def one(kind, seed):
    """"ok", "refused ...", or the text of a difference."""
    text, calls = generate(random.Random(f"{kind}{seed}"), kind)
    function = define(text, f"<{kind} {seed}>")
    function.__globals__.update(Box=Box, math=math)
    jitted = hotloop.jit(function, cache=False)
    for args in calls:
        mine, theirs = copy.deepcopy(args), copy.deepcopy(args)
        end, expected, lines = printed(function, theirs)
        got_end, got, got_lines = printed(jitted, mine)
        shown = f"\narguments {args!r}\n{text}"
        if isinstance(got, errors.InternalError):
            return f"{got}{shown}"
        if isinstance(got, errors.HotloopError):
            return f"refused {got.message}"
        if got_end == "error" and same_error(got, expected):
            continue
        if got_end != end or end == "error":
            return f"{got!r} instead of {expected!r}{shown}"
        try:
            same((got, mine), (expected, theirs))
            assert got_lines == lines
        except AssertionError as error:
            return f"{error}{shown}"
    return "ok"


@pytest.mark.parametrize("kind", KINDS)
def test_random_kinds(kind):
    found = [one(kind, seed) for seed in range(14)]
    wrong = [f for f in found if f != "ok" and not f.startswith("refused")]
    assert not wrong, wrong[0]
    assert found.count("ok") >= len(found) // 2


def stretch(kind, start, stop, found):
    for seed in range(start, stop):
        found.put((seed, None))
        found.put((seed, one(kind, seed)))


def main(kind, start, stop):
    counts = collections.Counter()
    while start < stop:
        found = multiprocessing.SimpleQueue()
        end = min(start + 50, stop)
        child = multiprocessing.get_context("fork").Process(
            target=stretch, args=(kind, start, end, found))
        child.start()
        last, result = start, None
        while child.is_alive() or not found.empty():
            if found.empty():
                child.join(0.01)
                continue
            last, result = found.get()
            if result is not None:
                counts[result.split("\n")[0][:90]] += 1
                if result != "ok" and not result.startswith("refused"):
                    print(f"=== {kind} {last}: {result}", flush=True)
        if result is None:
            print(f"=== {kind} {last}: the process ended with {child.exitcode}", flush=True)
        start = last + 1
    for text, n in counts.most_common():
        print(n, text)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
