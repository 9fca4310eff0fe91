"""Dicts and sets of run-time values as plain Python over lists, traced like the user's code.

    places   a power of two of places: the number of an entry, -1 where none was, -2 where one was
    own_keys   of the entries in order of insertion; own_values; living: which are not deleted
    counts   [entries that are alive, places of the index that are not -1]

The index is probed, grown and deleted from as CPython does with its sets, whose order of iteration
it is. `table` is a `tables.Table`; `key_hash` and the like are its tracer's own functions.
"""

# ruff: noqa: SIM110
from __future__ import annotations

from hotloop.frontend.separate import separately
from hotloop.frontend.table_keys import (
    at,
    default_of,
    hash_of,
    integer_hash,
    key_of,
    put_at,
    refuse_nan,
    same_key,
)


def find(table, key):
    """The entry with that key or -1, and its place in the index or the free one."""
    return find_entry(table.places, table.own_keys, key)


@separately
def find_entry(index, own_keys, key):
    mask = len(index) - 1
    perturb = hash_of(key)
    i = perturb & mask
    perturb = (perturb >> 5) & 576460752303423487
    left = 9 if i + 9 <= mask else 0
    place = i
    found = -1
    free = -1
    while True:
        entry = at(index, place)
        if entry == -1:
            break
        if entry == -2:
            free = place
        if entry >= 0 and same_key(own_keys, entry, key):
            found = entry
            break
        if left > 0:
            left -= 1
            place += 1
        else:
            i = (i * 5 + 1 + perturb) & mask
            perturb >>= 5
            left = 9 if i + 9 <= mask else 0
            place = i
    if found < 0 and free >= 0:
        place = free
    return found, place


def free_place(index, key):
    mask = len(index) - 1
    perturb = hash_of(key)
    i = perturb & mask
    perturb = (perturb >> 5) & 576460752303423487
    left = 9 if i + 9 <= mask else 0
    place = i
    while at(index, place) != -1:
        if left > 0:
            left -= 1
            place += 1
        else:
            i = (i * 5 + 1 + perturb) & mask
            perturb >>= 5
            left = 9 if i + 9 <= mask else 0
            place = i
    return place


def resize(table, least):
    table.counts[1] = table.counts[0]
    reindex(table.places, table.own_keys, least)


@separately
def reindex(index, own_keys, least):
    old = list(index)
    size = 8
    while size <= least:
        size += size
    index.clear()
    for _ in range(size):
        index.append(-1)
    for entry in old:
        if entry >= 0:
            put_at(index, free_place(index, at(own_keys, entry)), entry)


def entered(table, key, place):
    """The index knows the new entry at `place`; it grows when it is three fifths full."""
    used = table.counts[0] + 1
    fresh = at(table.places, place) == -1
    fill = table.counts[1] + (1 if fresh else 0)
    put_at(table.places, place, len(table.own_keys) - 1)
    table.counts[0] = used
    table.counts[1] = fill
    if fresh and fill * 5 >= (len(table.places) - 1) * 3:
        resize(table, used * 2 if used > 50000 else used * 4)


def set_item(table, key, value):
    refuse_nan(key)
    entry, place = find(table, key)
    if entry >= 0:
        table.own_values[entry] = value
    else:
        table.own_keys.append(key)
        table.own_values.append(value)
        table.living.append(True)
        entered(table, key, place)


def get_item(table, key):
    entry, _ = find(table, key)
    if entry < 0:
        raise KeyError(key)
    return table.own_values[entry]


def get_or_make(table, key):
    """`d[key]` of a defaultdict."""
    refuse_nan(key)
    entry, place = find(table, key)
    if entry < 0:
        table.own_keys.append(key)
        table.own_values.append(default_of(table))
        table.living.append(True)
        entered(table, key, place)
        entry = len(table.own_values) - 1
    return table.own_values[entry]


def counted(table, key):
    """`c[key]` of a Counter."""
    entry, _ = find(table, key)
    return table.own_values[entry] if entry >= 0 else 0


def get(table, key, default=None):
    entry, _ = find(table, key)
    return table.own_values[entry] if entry >= 0 else default


def set_default(table, key, default=None):
    refuse_nan(key)
    entry, place = find(table, key)
    if entry < 0:
        table.own_keys.append(key)
        table.own_values.append(default)
        table.living.append(True)
        entered(table, key, place)
        entry = len(table.own_values) - 1
    return table.own_values[entry]


def has(table, key):
    entry, _ = find(table, key)
    return entry >= 0


def gone(table, entry, place):
    put_at(table.places, place, -2)
    table.living[entry] = False
    table.counts[0] -= 1


def delete_item(table, key):
    entry, place = find(table, key)
    if entry < 0:
        raise KeyError(key)
    gone(table, entry, place)


def pop(table, key):
    entry, place = find(table, key)
    if entry < 0:
        raise KeyError(key)
    value = table.own_values[entry]
    gone(table, entry, place)
    return value


def pop_default(table, key, default):
    entry, place = find(table, key)
    if entry < 0:
        return default
    value = table.own_values[entry]
    gone(table, entry, place)
    return value


def clear(table):
    table.places.clear()
    for _ in range(8):
        table.places.append(-1)
    table.own_keys.clear()
    table.own_values.clear()
    table.living.clear()
    table.counts[0] = 0
    table.counts[1] = 0


def entries(table):
    """Numbers of the entries in the order of iteration of a dict."""
    n = len(table.own_keys)
    live = table.counts[0]
    for entry in range(n):
        if table.counts[0] != live:
            raise RuntimeError("dictionary changed size during iteration")
        if table.living[entry]:
            yield entry


def keys(table):
    for entry in entries(table):
        yield at(table.own_keys, entry)


def values(table):
    for entry in entries(table):
        yield table.own_values[entry]


def items(table):
    for entry in entries(table):
        yield at(table.own_keys, entry), table.own_values[entry]


def members(table):
    """Of a set, in its order."""
    live = table.counts[0]
    size = len(table.places)
    for place in range(size):
        if table.counts[0] != live:
            raise RuntimeError("Set changed size during iteration")
        entry = at(table.places, place)
        if entry >= 0:
            yield at(table.own_keys, entry)


def add(table, key):
    refuse_nan(key)
    entry, place = find(table, key)
    if entry < 0:
        table.own_keys.append(key)
        table.living.append(True)
        entered(table, key, place)


def discard(table, key):
    entry, place = find(table, key)
    if entry >= 0:
        gone(table, entry, place)


def add_all(table, items):
    for x in items:
        add(table, key_of(x))


def merge(table, other):
    """All of another set."""
    fill = table.counts[1]
    used = other.counts[0]
    if (fill + used) * 5 >= (len(table.places) - 1) * 3:
        resize(table, (table.counts[0] + used) * 2)
    same = len(table.places) == len(other.places) and other.counts[1] == used
    for place in range(len(other.places)):
        entry = at(other.places, place)
        if entry >= 0:
            key = at(other.own_keys, entry)
            if fill == 0:
                if not same:
                    put_at(table.places, free_place(table.places, key), len(table.own_keys))
                else:
                    put_at(table.places, place, len(table.own_keys))
                table.own_keys.append(key)
                table.living.append(True)
            else:
                add(table, key)
    if fill == 0:
        table.counts[0] = used
        table.counts[1] = used


def fill(table, keys, values):
    for k in range(len(keys)):
        set_item(table, at(keys, k), at(values, k))


def update(table, pairs):
    for key, value in pairs:
        set_item(table, key_of(key), value)


def count_all(table, items):
    for x in items:
        x = key_of(x)
        set_item(table, x, counted(table, x) + 1)


def same_items(a, b):
    if len(a) != len(b):
        return False
    for key, value in items(a):
        entry, _ = find(b, key)
        if entry < 0:
            return False
        if b.own_values[entry] != value:
            return False
    return True


def same_members(a, b):
    if len(a) != len(b):
        return False
    for key in members(a):
        if not has(b, key):
            return False
    return True


def is_subset(a, b):
    if len(a) > len(b):
        return False
    for key in members(a):
        if not has(b, key):
            return False
    return True


def intersection(new, a, b):
    """CPython looks through the smaller one."""
    if len(b) > len(a):
        for key in members(a):
            if has(b, key):
                add(new, key)
    else:
        for key in members(b):
            if has(a, key):
                add(new, key)


def difference(new, a, b):
    if len(a) >> 2 > len(b):
        merge(new, a)
        for key in members(b):
            discard(new, key)
    else:
        for key in members(a):
            if not has(b, key):
                add(new, key)


def symmetric_difference(new, a, b):
    merge(new, b)
    for key in members(a):
        if has(new, key):
            discard(new, key)
        else:
            add(new, key)


def is_disjoint(a, b):
    for key in members(a):
        if has(b, key):
            return False
    return True


def hash_integer(k):
    if -2305843009213693951 < k and k < 2305843009213693951:
        h = k
    elif k > 0:
        h = k % 2305843009213693951
    else:
        h = -(-(k + 1) % 2305843009213693951) - 1
        if h == -2305843009213693951:
            h = 0
    return -2 if h == -1 else h


def hash_float(x):
    if x % 1.0 == 0.0 and -2305843009213693951.0 < x and x < 2305843009213693951.0:
        return integer_hash(int(x))
    if x - x != 0.0:
        return 314159 if x > 0 else -314159
    m = abs(x)
    e = 0
    while m >= 1152921504606846976.0:
        m *= 0.5
        e += 1
    while m < 1.0:
        m *= 268435456.0
        e -= 28
    while m % 1.0 != 0.0:
        m *= 256.0
        e -= 8
    h = int(m)
    e = e % 61
    h = ((h & ((1 << (61 - e)) - 1)) << e) | (h >> (61 - e))
    if x < 0:
        h = -h
    return -2 if h == -1 else h
