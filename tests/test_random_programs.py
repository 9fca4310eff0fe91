"""Random Python programs, compiled and plain. `python tests/test_random_programs.py FROM TO` looks
longer; a failure prints the program."""

import collections
import linecache
import math
import random
import sys

import numpy as np
import pytest
from compare import check
from random_source import generate

from hotloop import errors


def define(text, name):
    """The function `f` of a source text, which tracebacks and hotloop can read."""
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    scope = {"np": np, "math": math}
    exec(compile(text, name, "exec"), scope)
    return scope["f"]


def one(seed):
    """"ok", "refused", or the text of a difference."""
    text, args = generate(random.Random(seed))
    function = define(text, f"<random {seed}>")
    try:
        check(function, *args)
    except errors.InternalError as error:
        return f"{error}\n{text}"
    except errors.UnsupportedError as error:
        return f"refused: {error.message}"
    except AssertionError as error:
        return f"{error}\n{text}"
    return "ok"


@pytest.mark.parametrize("block", range(10))
def test_random_programs(block):
    found = [one(seed) for seed in range(12 * block, 12 * block + 12)]
    wrong = [f for f in found if f != "ok" and not f.startswith("refused")]
    assert not wrong, wrong[0]
    assert found.count("ok") >= len(found) // 2


def main(start, stop):
    counts = collections.Counter()
    for seed in range(start, stop):
        try:
            found = one(seed)
        except Exception as error:
            found = f"{type(error).__name__}: {error}\n{generate(random.Random(seed))[0]}"
        kind = found.split("\n")[0] if found != "ok" else found
        counts[kind[:90]] += 1
        if found != "ok" and not found.startswith("refused"):
            print(f"=== seed {seed}: {found}", flush=True)
    for kind, n in counts.most_common():
        print(n, kind)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
