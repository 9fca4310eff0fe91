"""What random programs do with Python beyond numbers and arrays, in the notation of `writer`:

    YIELDS      generator functions and expressions, consumed in loops that end early
    TABLES      dicts, sets, deques, heaps and lists of lists that run-time values change
    CALLS       recursion, classes with state, exceptions through several functions
    TEXTS       strings made, compared and printed

The groups of one file are small programs in a line each, so they make few choices of their own:
what stands around and inside of them (`@body`, `@f`) is drawn from the rules of `grammar`.
"""

from __future__ import annotations

from hotloop.fuzz.grammar import Group

IMPORTS = """\
import contextlib
import heapq
from collections import Counter, defaultdict, deque, namedtuple
from dataclasses import dataclass
"""

CLASSES = '''
class Odd(ValueError):
    pass


@dataclass
class Point:
    u: float
    v: float = 0.5

    def __add__(self, other):
        return Point(self.u + other.u, self.v - other.v)

    def __bool__(self):
        return self.u > 0


Pair = namedtuple("Pair", "first second")


class Walk:
    step = 2

    def __init__(self, at):
        self.at, self.log = at, []

    def go(self, by):
        if by < 0:
            raise Odd("back")
        self.at += by * self.step
        self.log.append(self.at)
        return self

    def __len__(self):
        return len(self.log)

    def __getitem__(self, k):
        return self.log[k]


class Guard:
    def __init__(self, kind):
        self.kind, self.inside, self.seen = kind, 0, 0

    def __enter__(self):
        self.inside += 1
        return self

    def __exit__(self, kind, error, trace):
        self.inside -= 1
        self.seen += kind is not None
        return kind is not None and issubclass(kind, self.kind)


class Slow(Walk):
    step = 1

    def go(self, by):
        return super().go(abs(by))

'''

YIELDS: Group = {
    "made": ("def many(z):\n    for j in range(n):\n        yield j * z",
             "def many(z):\n    for j in range(@{3|n|k}):\n        if j == 2:\n"
             "            return\n        yield z + j",
             "def many(z):\n    yield z\n    yield @f\n    if z > @f:\n        yield z * 0.5",
             "def many(z):\n    j = 0\n    while j * j < n:\n        j += 1\n        yield z - j",
             "def many(z):\n    for e in @V_:\n        if e > z:\n            yield e",
             "def some(z):\n    yield z\n    yield z + 1\ndef many(z):\n    yield from some(z)\n"
             "    yield from some(@f)\n    yield from range(n)",
             "def many(z):\n    j = z\n    try:\n        while 0 <= j < 9:\n            yield j\n"
             "            j = j * 2 + 1\n    finally:\n        print('end')",
             "def many(z):\n    total = 0\n    for e in @V_:\n        total += e\n"
             "        yield total * z"),
    "outermost": (
        *("@made\nfor e in many(@f):\n    t += e\n    @body",) * 3,
        "@made\nfor e in many(@f):\n    if e > @f:\n        break\n    t += e\nelse:\n    @body",
        "@made\n@new:L = list(many(@f))\nt += len(@last)", "@made\nt += sum(many(@f))",
        "@made\nt += sum(e * 2 for e in many(@f) if e > 0)", "@made\nt += max(many(@f))",
        "@made\nfor @idx, e in zip(range(n), many(@f)):\n    a[@last] += e\n    @body",
        "@made\nfor j, e in enumerate(many(@f)):\n    t += j * e\n    if @b:\n        continue\n"
        "    @body",
        "@made\nsource = many(@f)\nt += next(source)\nt -= next(source, 0.25)",
        "@made\nsource = many(@f)\nfor e in source:\n    if e > 1:\n        break\nfor e in source:"
        "\n    t += e",
        "@made\nfor e in many(1):\n    for g in many(e):\n        t += g\n        @body",
        "@made\n@new:V_ = np.array([e for e in many(@f)], float)",
        "@made\nt += any(e > 2 for e in many(@f)) + all(e < 5 for e in many(@f))",
        "@made\nif @b:\n    for e in many(2):\n        t += e\n        @body"),
    "statement": ("t += sum(e * @f for e in @V_)",
                  "t += max((e for e in @V_ if e > 0), default=-1)",
                  "t += sum(e * g for e, g in zip(@V_, @V_))"),
}

TABLES: Group = {
    "key": ("int(@i)", "int(@i)", "k", "@i % 3", "(@i % 2, k)"),
    "outermost": (
        "d = {}\nfor e in @Vi:\n    d[int(e)] = d.get(int(e), 0) + 1\nt += len(d)\n"
        "for key in d:\n    t += key * d[key]\n    @body",
        "d = {}\nfor @idx in range(n):\n    d[@key] = @f\n    @body\nt += len(d)\nprint(len(d))",
        "d = {@i: 1.0, @i: 2.0}\nfor @idx in range(n):\n    if @key in d:\n        d[@i] = @f\n"
        "t += sum(d.values())",
        "d = {0: 1.5}\nfor @idx in range(n):\n    t += d.pop(@i % 3, -1.0)\n    d[@i % 3] = @f\n"
        "for key, e in d.items():\n    t += key * e",
        "d = {}\nfor @idx in range(n):\n    d.setdefault(@i % 3, []).append(@f)\nt += len(d)",
        "d = {k: 1, 3: 2}\nt += d[@{3|k|@i % 5|n}]",
        "d = {k: 0.5, 3: 2.0}\ndel d[@{3|k|n}]\nt += len(d)",
        "d = defaultdict(int)\nfor e in @Vi:\n    d[int(e) % 4] += @{1|2|n}\nt += max(d.values(), "
        "default=0)",
        "seen = set()\nfor e in @Vi:\n    if int(e) in seen:\n        t += 1\n        @body\n"
        "    seen.add(int(e))\nt += len(seen)",
        "seen = {k, 2}\nfor @idx in range(n):\n    seen.add(@i % 5)\n    seen.discard(@{1|k})\n"
        "t += sum(sorted(seen))",
        "q = deque([k])\nwhile q and len(q) < 9:\n    e = q.popleft()\n    t += e\n    if e > 0:\n"
        "        q.append(e // 2)\n        @body",
        "q = deque(maxlen=3)\nfor @idx in range(n):\n    q.append(@f)\n    t += q[0] - q[-1]",
        "h = []\nfor e in @Vf:\n    heapq.heappush(h, float(e))\n    if len(h) > 3:\n"
        "        t += heapq.heappop(h)\nt += len(h)",
        "rows = [[] for e in range(3)]\nfor @idx in range(n):\n    rows[@i % 3].append(@f)\n"
        "    @body\nt += len(rows[1])\nfor row in rows:\n    t += sum(row)",
        "grid = [[0] * 3 for e in range(n)]\nfor @idx in range(n):\n    grid[@last][@i % 3] += @i\n"
        "t += sum(sum(row) for row in grid)\nprint(len(grid))",
        "stack = [(k, 0)]\nwhile stack:\n    node, deep = stack.pop()\n    t += node\n"
        "    if deep < 2:\n        stack.append((node + 1, deep + 1))\n"
        "        stack.append((node * 2, deep + 1))\n        @body",
        "l = [@i, 2, k]\nfor @idx in range(n):\n    l.append(@i)\n    if @b:\n        l.pop(0)\n"
        "l.sort()\nt += l[@{0|-1|k}]\nprint(len(l))",
        "l = [e for e in @Vf]\nl.insert(@{0|k|1}, 0.5)\nl.reverse()\ndel l[@{0|-1}]\n"
        "t += sum(l[1:])",
        "l = []\nfor @idx in range(n):\n    l = l + [@f]\n    l.extend([@f, @f])\nt += sum(l)\n"
        "t += l.count(0.5) + len(l[::2])",
        "c = Counter(int(e) % 3 for e in @Vi)\nt += c[0] * 2 + c[1]"),
    "statement": ("t += len({@i, @i, 2})", "t += {0: 1.5, 1: @f}.get(@i, 0.25)",
                  "t += (@i in {1, 2, @i})", "t += [@f, @f, 2.0][@{0|-1|k}]",
                  "t += {'a': @f, 'b': @i}['a' if @b else 'b']"),
}

CALLS: Group = {
    "outermost": (
        "def fib(z):\n    return z if z < 2 else fib(z - 1) + fib(z - 2)\nt += fib(@{k|5|n % 6})",
        "def walk(lo, hi):\n    if hi - lo < 2:\n        return @nV[lo] if lo < hi else 0\n"
        "    mid = (lo + hi) // 2\n    return walk(lo, mid) @{+|-} walk(mid, hi)\nt += walk(0, n)",
        "def even(z):\n    return True if z <= 0 else odd(z - 1)\ndef odd(z):\n"
        "    return False if z <= 0 else even(z - 1)\nt += even(k) * 2 + odd(n)",
        "def fill(z, w):\n    if z < n:\n        a[z] += w\n        fill(z + 1, w * 0.5)\n"
        "fill(0, @f)",
        "def visit(z, out):\n    if z > 0:\n        visit(z - 1, out)\n        out.append(z * @f)\n"
        "        visit(z - 2, out)\nfound = []\nvisit(k, found)\nt += sum(found) + len(found)",
        "def deep(z):\n    if z == 0:\n        raise @{ValueError|Odd|IndexError}('end')\n"
        "    return deep(z - 1) if z > 0 else z\ntry:\n    t += deep(k)\nexcept ValueError:\n"
        "    t -= 1\n    @body",
        "def find(z):\n    for @idx in range(n):\n        for j in range(3):\n"
        "            if a[@last] + j > z:\n                return j\n    return -1\nt += find(@f)",
        "def both(z):\n    try:\n        return 1 // z\n    finally:\n        print('f')\n"
        "try:\n    t += both(@i)\nexcept ZeroDivisionError as e:\n    print(e)\n    t -= 1",
        "w = @{Walk|Slow}(@{@f|@i|k})\nfor @idx in range(n):\n    w.go(@i % 3)\n    @body\n"
        "t += w.at + len(w)",
        "w = Walk(k)\ntry:\n    w.go(1).go(@i)\nexcept Odd:\n    t -= 2\nt += w[-1] + w.at",
        "w, v = Walk(@f), Slow(@f)\nfor u in (w, v):\n    u.go(2)\n    t += u.at\n"
        "w = v if @b else w\nw.go(1)\nt += v.at * 2 + w.at",
        "pt = Point(@f)\nfor @idx in range(n):\n    pt = pt + Point(@f, 0.25)\n    pt.v *= 0.5\n"
        "t += pt.u * pt.v\nif pt:\n    @body",
        "pts = [Point(@f), Point(@f, @f)]\nfor pt in pts:\n    pt.u += 1\n    @body\n"
        "t += pts[0].u + pts[-1].v",
        "pr = Pair(@f, @i)\nfor @idx in range(n):\n    pr = Pair(pr.second, pr.first + 1)\n"
        "t += pr.first - pr[1]",
        "def outer(z):\n    count = 0\n    def inner(w):\n        nonlocal count\n"
        "        count += w\n        return count\n    return inner(z) + inner(@f) + count\n"
        "t += outer(@f)",
        "fs = [lambda z: z + 1, lambda z: z * @f]\nfor g in fs:\n    t += g(@f)",
        "def apply(g, *z):\n    return g(*z)\nt += apply(lambda u, v=2: u * v, @f)"),
    "block": (
        "for @idx in range(n):\n    try:\n        if @b:\n            raise Odd('odd')\n"
        "        t += 1 % @i\n        @body\n    except ValueError:\n        continue\n"
        "    except ZeroDivisionError:\n        @{break|t -= 1|pass}",
        "try:\n    @body\nexcept (IndexError, ZeroDivisionError):\n    @body\nelse:\n    @body\n"
        "finally:\n    t += 1",
        "try:\n    try:\n        t += a[@i]\n    except IndexError as e:\n        @body\n"
        "        raise Odd('again') from None\n    t += 1 // @i\nexcept Odd:\n    @body\n"
        "except ZeroDivisionError:\n    t -= 1",
        "try:\n    t += a[@i]\nexcept IndexError:\n    t -= 1\ntry:\n    t += b[@i]\n"
        "except IndexError:\n    t -= 2",
        "try:\n    if @b:\n        raise Odd(k)\n    @body\nexcept Odd:\n    pass",
        "guard = Guard(@{ZeroDivisionError|ValueError|IndexError})\nwith guard:\n"
        "    t += @{1 // @i|a[@i]}\n    @body\nt += guard.seen - guard.inside",
        "with contextlib.suppress(@{ZeroDivisionError|IndexError}):\n    t += @{1 // @i|a[@i]}\n"
        "    @body",
        "for @idx in range(n):\n    with Guard(Odd) as guard:\n        if @b:\n"
        "            raise @{Odd|ValueError}('odd')\n        if @b:\n"
        "            @{break|continue}\n        @body\n    t += guard.seen",
        "@new:K = 0\nwhile @last < 3:\n    @last += 1\n    if @b:\n        break\n    @body\n"
        "else:\n    t += 5",
        "for @idx in range(n):\n    for j in range(@{2|k|n}):\n        if @b:\n            break\n"
        "        t += j\n    else:\n        continue\n    @body\n    break"),
    "statement": ("if @b:\n    for @idx in range(n):\n        for j in range(2):\n"
                  "            if @b:\n                return @last, j, t",),
}

TEXTS: Group = {
    "text": ("'ab'", "str(@{k|n|p})", "f'{@i}'", "('x' if @b else 'yy')", "'%d' % k", "'a' * 2",
             "f'{k:03d}'", "'-'.join(['a', 'b', str(k)])", "'Ab'.upper()"),
    "statement": (
        *("print(@text, @text)", "t += len(@text)", "print(f'{@f:.2f} {k:>4}')",
          "t += (@text == @text)", "print(@text + @text, end='')", "print(k, n, sep='-')",
          "t += @text < 'b'", "print(@text)") * 2,
        "t += 'x' in @text", "print('{} {}'.format(k, @i))", "t += ord(@text[0])"),
    "block": (
        "word = @text\nif word == @text:\n    @body\nelif len(word) > 1:\n    @body",
        "for letter in 'abca':\n    t += letter == 'a'\n    @body",
        "match @{'up' if @b else 'down'|k}:\n    case 'up':\n        @body\n    case 'down' | 3:\n"
        "        t -= 1\n    case _:\n        @body"),
}
