"""Objects in lists of run-time length: read, passed on, compared, sorted, returned."""

import heapq
from dataclasses import dataclass

import pytest
from compare import check

import hotloop


@dataclass
class Particle:
    x: float
    v: float
    alive: bool = True

    def energy(self):
        return 0.5 * self.v**2

    def moved(self, dt):
        return Particle(self.x + self.v * dt, self.v, self.alive)


class Job:
    def __init__(self, k):
        self.k, self.w = k, k * 2

    def __lt__(self, other):
        return self.w < other.w

    def __eq__(self, other):
        return self.k == other.k

    __hash__ = None

    def value(self):
        return self.k + self.w


def simulated(n):
    ps = [Particle(float(i), 1.0) for i in range(n)]
    for _ in range(3):
        ps = [p.moved(0.5) for p in ps]
    far = [p for p in ps if p.x > 2]
    return sum(p.energy() + p.x for p in ps), len(far), ps[-1], ps


def stored(n):
    ps = []
    for i in range(n):
        ps.append(Particle(i * 1.0, 1.0))
    for i in range(n):
        ps[i] = Particle(ps[i].x + 1, ps[i].v)
    return ps


def sorted_by_attributes(n):
    jobs = []
    for i in range(n):
        jobs.append(Job((i * 7) % 5))
    jobs.sort(key=lambda q: q.w)
    best = max(jobs, key=lambda q: q.value())
    return [q.k for q in jobs], best.value(), Job(3) in jobs, jobs[0] != jobs[1]


def on_a_stack(n):
    stack, total = [Job(n)], 0
    while stack:
        q = stack.pop()
        total += q.value()
        if q.k > 0:
            stack.append(Job(q.k - 1))
            if q.k > 2:
                stack.append(Job(q.k - 3))
    return total


def on_a_heap(n):
    heap = []
    for i in range(n):
        heapq.heappush(heap, Job((i * 7) % 5))
    return heapq.heappop(heap).k


class Plain:
    pass


def without_attributes(n):
    found = []
    for _ in range(n):
        found.append(Plain())
    return len(found)


@pytest.mark.parametrize("f", [simulated, stored, sorted_by_attributes, on_a_stack, on_a_heap,
                               without_attributes])
def test_by_value(f):
    check(f, 5)


def compared(n):
    a, b = Job(n), Job(5)
    c, d = {"k": n}, {"k": 5}
    return a == b, a != b, c == d, c != d, {"k": n} == {"j": n}


def test_comparison_of_objects_and_dicts():
    jitted = check(compared, 5)
    check(compared, 4, jitted=jitted)


def changed(n):
    ps = [Particle(float(i), 1.0) for i in range(n)]
    for p in ps:
        p.x += 1.0
    return ps


def the_same(n):
    found, p = [], Plain()
    for _ in range(n):
        found.append(p)
    return found[0] is p


def equal_by_identity(n):
    found = []
    for _ in range(n):
        found.append(Plain())
    return found[0] in found


@pytest.mark.parametrize("f, words", [
    (changed, "after it was put into a list"), (the_same, "`is` of a Plain"),
    (equal_by_identity, "`==` of a Plain")], ids=lambda x: getattr(x, "__name__", ""))
def test_refused_where_it_matters_which_object_it_is(f, words):
    with pytest.raises(hotloop.errors.UnsupportedError, match=words):
        hotloop.jit(f, cache=False)(4)
