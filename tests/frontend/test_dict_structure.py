"""Dicts of known keys that branches and loops rebind: carried key by key, as tuples are."""

import math

import numpy as np
import pytest
from compare import check

import hotloop


def rows_of_a_table(n):
    rows = []
    for i in range(n):
        rows.append({"id": i, "v": i * 0.5})
    return rows, sum(r["v"] for r in rows)


def the_first_one_is_kept(n):
    a = {"x": 0}
    b = a
    for i in range(n):
        a = {"x": a["x"] + i}
    return a["x"], b["x"]


def changed_after_it_is_made(n):
    a = {"x": 0}
    for i in range(n):
        b = a
        a = {"x": a["x"] + i}
        a["x"] += 1
    return a, b


def rebound_at_times(n):
    a = {"x": np.zeros(3), "n": 0}
    w = a["x"]
    for i in range(n):
        a = {"x": a["x"] + i, "n": a["n"] + 1} if i % 2 else a
    w[0] = 7
    return a


def one_array_in_all(n):
    d = {"x": np.zeros(3)}
    for i in range(n):
        d = {"x": d["x"]}
        d["x"][0] += i
    return d["x"]


def two_kinds_of_numbers(c):
    if c > 0:
        d = {"a": 1, "b": [1, 2]}
    else:
        d = {"a": 2.5, "b": [3, 4]}
    return d["a"] + d["b"][0], d


def text_in_a_dict(n):
    s = {"k": "start", "c": 0}
    for _ in range(n):
        if s["k"] == "start":
            s = {"k": "run", "c": s["c"] + 1}
        elif s["c"] > 3:
            s = {"k": "end", "c": s["c"]}
        else:
            s = {**s, "c": s["c"] + 1}
    return s


def an_attribute(n):
    class Holder:
        pass
    o = Holder()
    o.p = {"a": 1.0}
    for i in range(n):
        o.p = {k: v + i for k, v in o.p.items()}
    return o.p


def step(s, i):
    s = dict(s)
    s["t"] += i
    return s


def copied_by_a_function(n):
    s = {"t": 0, "u": 1.0}
    for i in range(n):
        s = step(s, i)
    return s


def changed_step(s, i):
    s["t"] += i
    return s


def changed_by_a_function(n):
    s = {"t": 0, "u": 1.0}
    for i in range(n):
        s = changed_step(s, i)
    return s


def none_before(n):
    best = None
    for i in range(n):
        c = {"i": i, "v": math.sin(i)}
        if best is None or c["v"] > best["v"]:
            best = c
    return best


def an_argument(params, grads, n):
    for _ in range(n):
        params = {k: params[k] - 0.1 * grads[k] for k in params}
    return params


def dicts_of_dicts(n):
    d = {"a": {"b": 1}}
    for i in range(n):
        d["a"] = {"b": d["a"]["b"] + i}
    return d


def two_in_turn(n):
    a, b = {"x": 0.0}, {"x": 1.0}
    for _ in range(n):
        a, b = b, {"x": a["x"] + b["x"]}
    return a, b


def in_a_list(n):
    l = [{"x": 0}, {"x": 1}]
    for _ in range(n):
        l[0] = {"x": l[0]["x"] + 1}
        l[1]["x"] += 2
    return l


def integer_keys(n):
    d = {0: 1, 1: 2}
    for i in range(n):
        d = {k: v + i for k, v in d.items()}
    return d[n % 2], d


def keys_known_at_run_time(n, k):
    d = {0: 1, 1: 2}
    for i in range(n):
        d = dict(d)
        d[k + i] = i
    return d


def halves(n):
    if n == 0: return {"a": 1.0, "n":
        0}
    r = halves(n - 1)
    return {"a": r["a"] * 2, "n": r["n"] + n}


def recursive(n):


    return halves(n)


def listed_with_the_first(n):
    d = {"a": 0}
    rows = [d]
    for _ in range(n):
        d = {"a": d["a"] + 1}
        rows.append(d)
    return rows


def descent(x, y, n):
    params = {"w": np.zeros(3), "b": 0.0}
    velocity = {k: v * 0.0 for k, v in params.items()}
    for _ in range(n):
        error = x @ params["w"] + params["b"] - y
        grads = {"w": x.T @ error / len(y), "b": error.mean()}
        velocity = {k: 0.9 * velocity[k] + grads[k] for k in params}
        params = {k: params[k] - 0.1 * velocity[k] for k in params}
    return params


@pytest.mark.parametrize("f, args", [
    (descent, (np.arange(15.0).reshape(5, 3), np.arange(5.0), 3)),
    (rows_of_a_table, (3,)),
    (the_first_one_is_kept, (3,)),
    (changed_after_it_is_made, (3,)),
    (rebound_at_times, (3,)),
    (one_array_in_all, (3,)),
    (two_kinds_of_numbers, (1,)),
    (text_in_a_dict, (7,)),
    (an_attribute, (3,)),
    (copied_by_a_function, (3,)),
    (changed_by_a_function, (3,)),
    (none_before, (4,)),
    (an_argument, ({"w": np.arange(3.0), "b": 1.0}, {"w": np.ones(3), "b": 2.0}, 3,)),
    (dicts_of_dicts, (3,)),
    (two_in_turn, (5,)),
    (in_a_list, (3,)),
    (integer_keys, (3,)),
    (keys_known_at_run_time, (3, 1,)),
    (recursive, (4,)),
    (listed_with_the_first, (3,)),
], ids=lambda x: getattr(x, "__name__", ""))
def test_key_by_key(f, args):
    check(f, *args)


def changed_in_turn(n):
    a, b = {"x": 0.0}, {"x": 1.0}
    for _ in range(n):
        a, b = b, a
        a["x"] += 1
    return a, b


def changed_or_rebound(n):
    d = {"x": 0}
    kept = [d]
    if n > 2:
        d = {"x": 5}
    d["x"] = 9
    return kept, d


def the_same(n):
    a = b = {"x": 0}
    for _ in range(n):
        a = {"x": a["x"] + 1}
    return a is b


class Held:
    pass


def held_by_another(n):
    o = Held()
    if n > 0:
        d = {"a": 1}
        o.p = d
    else:
        raise ValueError
    d["a"] = 5
    return o.p["a"]


@pytest.mark.parametrize("f", [changed_in_turn, changed_or_rebound, the_same, held_by_another])
def test_refused_where_nobody_knows_which_it_is(f):
    with pytest.raises(hotloop.errors.UnsupportedError, match="one of several"):
        hotloop.jit(f, cache=False)(3)
