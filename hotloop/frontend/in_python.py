"""Functions of Python and its library as plain Python: traced like the user's own code.

    heapq.heappush(h, x)     ->     heappush below, its loop staged

What the C versions do in the end, with their errors. They are called for run-time values only.
"""

# ruff: noqa: SIM110, SIM113
from __future__ import annotations


def list_index(items, value, start=0, stop=9223372036854775807):
    n = len(items)
    if start < 0:
        start = max(start + n, 0)
    if stop < 0:
        stop = max(stop + n, 0)
    for i in range(start, min(stop, n)):
        if items[i] == value:
            return i
    raise ValueError(f"{value} is not in list")


def numbered(items, k):
    for x in items:
        yield k, x
        k += 1


def beside_generator(known, items):
    """zip, which asks for an item of the second when it has one of the first."""
    i, n = 0, len(known)
    if n > 0:
        for x in items:
            yield known[i], x
            i += 1
            if i == n:
                return


def generator_beside(items, known):
    i, n = 0, len(known)
    for x in items:
        if i == n:
            return
        yield x, known[i]
        i += 1


def first(items):
    for x in items:
        return x
    raise StopIteration


def first_or(items, default):
    for x in items:
        return x
    return default


def merged_order(keys, reverse):
    """The stable order of keys of any kind: indices, merged from the bottom up."""
    n = len(keys)
    order = list(range(n))
    merged = list(range(n))
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle = min(low + width, n)
            high = min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                right = i >= middle
                if j < high and not right:
                    a, b = keys[order[i]], keys[order[j]]
                    right = a < b if reverse else b < a
                if right:
                    merged[k] = order[j]
                    j += 1
                else:
                    merged[k] = order[i]
                    i += 1
        for k in range(n):
            order[k] = merged[k]
        width *= 2
    return order


def list_remove(items, value):
    for i in range(len(items)):
        if items[i] == value:
            del items[i]
            return
    raise ValueError("list.remove(x): x not in list")


def list_count(items, value):
    count = 0
    for x in items:
        if x == value:
            count += 1
    return count


def contains(items, value):
    for x in items:
        if x == value:
            return True
    return False


def list_equal(a, b):
    if len(a) != len(b):
        return False
    for i in range(len(a)):
        if a[i] != b[i]:
            return False
    return True


def list_less(a, b):
    n = min(len(a), len(b))
    for i in range(n):
        if a[i] != b[i]:
            return a[i] < b[i]
    return len(a) < len(b)


def rotate(items, n):
    size = len(items)
    if size > 1:
        n = n % size
        for _ in range(n):
            items.appendleft(items.pop())


def total(items, start):
    for x in items:
        start = start + x
    return start


def maximum(items):
    n = len(items)
    if n == 0:
        raise ValueError("max() iterable argument is empty")
    best = items[0]
    for i in range(1, n):
        x = items[i]
        if x > best:
            best = x
    return best


def minimum(items):
    n = len(items)
    if n == 0:
        raise ValueError("min() iterable argument is empty")
    best = items[0]
    for i in range(1, n):
        x = items[i]
        if x < best:
            best = x
    return best


def maximum_by(items, key):
    n = len(items)
    if n == 0:
        raise ValueError("max() iterable argument is empty")
    best = items[0]
    weight = key(best)
    for i in range(1, n):
        x = items[i]
        w = key(x)
        if w > weight:
            best = x
            weight = w
    return best


def minimum_by(items, key):
    n = len(items)
    if n == 0:
        raise ValueError("min() iterable argument is empty")
    best = items[0]
    weight = key(best)
    for i in range(1, n):
        x = items[i]
        w = key(x)
        if w < weight:
            best = x
            weight = w
    return best


def merge_sorted(items, scratch, keys, key_scratch):
    """Stable, bottom up; `keys` are sorted along."""
    n = len(items)
    width = 1
    while width < n:
        lo = 0
        while lo < n:
            mid = min(lo + width, n)
            hi = min(lo + 2 * width, n)
            i = lo
            j = mid
            for k in range(lo, hi):
                if i < mid and (j >= hi or not keys[j] < keys[i]):
                    scratch[k] = items[i]
                    key_scratch[k] = keys[i]
                    i += 1
                else:
                    scratch[k] = items[j]
                    key_scratch[k] = keys[j]
                    j += 1
            lo += 2 * width
        for k in range(n):
            items[k] = scratch[k]
            keys[k] = key_scratch[k]
        width *= 2


def heappush(heap, item):
    heap.append(item)
    _down(heap, 0, len(heap) - 1)


def _down(heap, start, at):
    new = heap[at]
    while at > start:
        parent = (at - 1) >> 1
        above = heap[parent]
        if new < above:
            heap[at] = above
            at = parent
            continue
        break
    heap[at] = new


def _up(heap, at):
    end = len(heap)
    start = at
    new = heap[at]
    child = 2 * at + 1
    while child < end:
        right = child + 1
        if right < end and not heap[child] < heap[right]:
            child = right
        heap[at] = heap[child]
        at = child
        child = 2 * at + 1
    heap[at] = new
    _down(heap, start, at)


def heappop(heap):
    if len(heap) == 0:
        raise IndexError("index out of range")
    last = heap.pop()
    if len(heap) > 0:
        first = heap[0]
        heap[0] = last
        _up(heap, 0)
        return first
    return last


def heapreplace(heap, item):
    if len(heap) == 0:
        raise IndexError("index out of range")
    first = heap[0]
    heap[0] = item
    _up(heap, 0)
    return first


def heappushpop(heap, item):
    if len(heap) > 0 and heap[0] < item:
        first = heap[0]
        heap[0] = item
        _up(heap, 0)
        return first
    return item


def heapify(heap):
    for i in range(len(heap) // 2 - 1, -1, -1):
        _up(heap, i)


def bisect_left(a, x, lo=0, hi=None, key=None):
    if lo < 0:
        raise ValueError("lo must be non-negative")
    if hi is None:
        hi = len(a)
    while lo < hi:
        mid = (lo + hi) // 2
        y = a[mid] if key is None else key(a[mid])
        if y < x:
            lo = mid + 1
        else:
            hi = mid
    return lo


def bisect_right(a, x, lo=0, hi=None, key=None):
    if lo < 0:
        raise ValueError("lo must be non-negative")
    if hi is None:
        hi = len(a)
    while lo < hi:
        mid = (lo + hi) // 2
        y = a[mid] if key is None else key(a[mid])
        if x < y:
            hi = mid
        else:
            lo = mid + 1
    return lo


def insort_left(a, x, lo=0, hi=None):
    a.insert(bisect_left(a, x, lo, hi), x)


def insort_right(a, x, lo=0, hi=None):
    a.insert(bisect_right(a, x, lo, hi), x)


def power_modulo(base, exp, mod):
    if mod == 0:
        raise ValueError("pow() 3rd argument cannot be 0")
    if exp < 0:
        g = mod
        r = base % mod
        s = 0
        t = 1
        while r != 0:
            q = g // r
            g, r = r, g - q * r
            s, t = t, s - q * t
        if g != 1 and g != -1:
            raise ValueError("base is not invertible for the given modulus")
        base = s * g
        exp = -exp
    size = abs(mod)
    result = 1 % size
    base = base % size
    while exp > 0:
        if exp & 1:
            result = times_modulo(result, base, size)
        base = times_modulo(base, base, size)
        exp >>= 1
    if mod < 0 and result != 0:
        result += mod
    return result


def rounded_to_tens(n, digits):
    """round(n, digits): a multiple of 10**-digits, the even one of two that are as near."""
    if digits >= 0:
        return n
    if digits < -18:
        if digits == -19 and not -5 * 10**18 <= n <= 5 * 10**18:
            raise OverflowError("Python int too large: hotloop's ints have 64 bits")
        return 0
    unit = 10 ** -digits
    below = n // unit
    rest = n - below * unit
    half = unit // 2
    if rest > half or rest == half and below % 2 == 1:
        below += 1
    return below * unit


def times_modulo(a, b, m):
    """a * b % m for 0 <= a, b < m, also where the product outgrows 64 bits."""
    if m <= 3037000499:
        return a * b % m
    result = 0
    while b > 0:
        if b & 1:
            result = result - (m - a) if result >= m - a else result + a
        a = a - (m - a) if a >= m - a else a + a
        b >>= 1
    return result


def accumulate(items, function=None, initial=None):
    out: list = []
    n = len(items)
    k = 0
    if initial is None:
        if n == 0:
            return out
        total = items[0]
        k = 1
    else:
        total = initial
    out.append(total)
    for i in range(k, n):
        total = total + items[i] if function is None else function(total, items[i])
        out.append(total)
    return out


def pairwise(items):
    out = []
    for i in range(len(items) - 1):
        out.append((items[i], items[i + 1]))
    return out


def product(a, b):
    out = []
    for x in a:
        for y in b:
            out.append((x, y))
    return out


def combinations2(items):
    out = []
    n = len(items)
    for i in range(n):
        for j in range(i + 1, n):
            out.append((items[i], items[j]))
    return out


def combinations3(items):
    out = []
    n = len(items)
    for i in range(n):
        for j in range(i + 1, n):
            for k in range(j + 1, n):
                out.append((items[i], items[j], items[k]))
    return out


def permutations2(items):
    out = []
    n = len(items)
    for i in range(n):
        for j in range(n):
            if i != j:
                out.append((items[i], items[j]))
    return out


def chain(parts):
    out = []
    for part in parts:
        for x in part:
            out.append(x)
    return out


def takewhile(predicate, items):
    out = []
    for x in items:
        if not predicate(x):
            break
        out.append(x)
    return out


def dropwhile(predicate, items):
    out = []
    dropping = True
    for x in items:
        if dropping and predicate(x):
            continue
        dropping = False
        out.append(x)
    return out


def bit_count(n):
    n = abs(n)
    count = 0
    while n > 0:
        n &= n - 1
        count += 1
    return count


def append_limited(queue, item, append):
    """`append` of a deque with a maxlen, of which `append` is what lists do."""
    if len(queue) < queue.maxlen:
        append(queue, item)
    elif queue.maxlen > 0:
        queue.popleft()
        append(queue, item)


def append_left_limited(queue, item, append):
    if len(queue) < queue.maxlen:
        append(queue, item)
    elif queue.maxlen > 0:
        queue.pop()
        append(queue, item)


def extend_limited(queue, items):
    for item in items:
        queue.append(item)


def extend_left(queue, items):
    for item in items:
        queue.appendleft(item)


def remembering(memo, f):
    """What stands for a function under lru_cache."""
    def remembered(key, args):
        if key in memo:
            return memo[key]
        found = f(*args)
        memo[key] = found
        return found
    return remembered
