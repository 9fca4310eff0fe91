"""What to save for the backward pass and what to compute again: a minimum cut.

    needed, in a loop: c = cos(a), a = mul x[i] w       save a (or c): 1 element a trip
    needed, in a loop: d = x[i], e = mul d d            save nothing: loads and products are cheap

The values of a body form a graph: an edge leads from a value to what can be computed from it again
at little cost. Cutting a value costs its size; what is needed must be cut off from what can't be
recomputed (results of loops, library calls, elementary functions). Values of enclosing bodies are
not free: referring to one makes it needed there, for each trip of the outer loop once.

The flow is computed by Dinic's algorithm (1970); the cut nearest to what is needed is taken, so
that ties go to values, not to what they were loaded from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hotloop.ir.core import Eqn, Var, free_vars, reads
from hotloop.ops.table import PURE, Generate, Map, Move, row
from hotloop.record import record

ELEMENTS = 50
"""Assumed size of an unknown dimension."""

INFINITE = 1e30


@record
class Plan:
    """`saved` Vars, and the equations that give the needed ones from them, in order."""
    saved: list[Var]
    recomputed: list[Eqn]


def weight(var: Var) -> float:
    size = 0.6 if var.dtype.kind == "b" else var.dtype.itemsize / 8
    for dim in var.shape:
        size *= max(dim, 1) if isinstance(dim, int) else ELEMENTS
    return size


def outer_factor(loops: int) -> float:
    """What referring to a value `loops` bodies further out costs, of its weight. It is paid once
    for each trip of that body; at equal cost the own value is saved. Without a loop between, as in
    an arm, the body may be able to compute it again."""
    return 1.1 / ELEMENTS**loops if loops else 0.5


def is_cheap(eqn: Eqn) -> bool:
    """May it be computed again rather than saved?"""
    op = row(eqn)
    return (op.effect == PURE and isinstance(op.lowering, Map | Move | Generate)
            and not (isinstance(op.lowering, Map) and op.lowering.dear))


def uses(eqn: Eqn) -> list[Var]:
    """All Vars an equation needs: its own operands, dimensions and those of its blocks."""
    found = list(reads(eqn))
    for block in eqn.blocks:
        found += free_vars(block)
    return found


def plan(eqns: Sequence[Eqn], params: Iterable[Var], needed: Iterable[Var],
         outer: Mapping[Var, float], final: Callable[[Var], Eqn | None]) -> Plan:
    """How the `needed` Vars of a body get into the linear half.

    eqns, params  the body: all that is bound in it
    outer         what a Var of an enclosing body costs; other outer Vars are free
    final         how a Var can be loaded when the loop has ended (`finals`)
    """
    needed = list(dict.fromkeys(needed))
    before = {out: eqn for eqn in eqns for out in eqn.outs}
    own = {*params, *before}
    made = _Made(before, own, outer, final)
    graph = _Graph()
    seen: set[Var] = set()
    stack = list(needed)
    for var in needed:
        graph.edge((var, 1), "needed", INFINITE)
    while stack:
        var = stack.pop()
        if var in seen:
            continue
        seen.add(var)
        graph.edge((var, 0), (var, 1), weight(var) if var in own else outer[var])
        eqn = made.get(var)
        if eqn is None or not is_cheap(eqn):
            graph.edge("start", (var, 0), INFINITE)
            continue
        for source in uses(eqn):
            if source in own or source in outer:
                graph.edge((source, 1), (var, 0), INFINITE)
                stack.append(source)
    cut = graph.cut()
    return _closed([v for v in seen if v in cut and v in own], needed, made, own)


@record
class _Made:
    """What makes a Var of the body in the linear half."""
    before: dict[Var, Eqn]
    own: set[Var]
    outer: Mapping[Var, float]
    final: Callable[[Var], Eqn | None]

    def get(self, var: Var) -> Eqn | None:
        """A load after the loop, or the equation that made it; the latter if it is no load itself,
        is cheap, and the array is not free."""
        if var not in self.own:
            return None
        eqn, loaded = self.before.get(var), self.final(var)
        if loaded is None or (loaded.ins[0] in self.outer and eqn is not None
                              and eqn.op is not loaded.op and is_cheap(eqn)):
            return eqn
        return loaded


def _closed(saved: list[Var], needed: list[Var], made: _Made, own: set[Var]) -> Plan:
    """With the dimensions of what is saved, and the equations between, in order."""
    kept = set(saved)
    again: set[Eqn] = set()
    seen: set[Var] = set()
    stack: list[Any] = list(needed) + [d for v in saved for d in v.shape]
    while stack:
        var = stack.pop()
        if not isinstance(var, Var) or var in seen or var not in own:
            continue
        seen.add(var)
        if var in kept:
            continue
        eqn = made.get(var)
        if eqn is None or not is_cheap(eqn):
            kept.add(var)                       # a dimension, which the cut did not consider
            continue
        again.add(eqn)
        stack += uses(eqn)
    return Plan(sorted(kept, key=lambda v: (len(v.shape), v.id)), in_order(again))


def in_order(eqns: Iterable[Eqn]) -> list[Eqn]:
    """Equations behind those that they use; else in the order in which their results were made."""
    pending = sorted(eqns, key=lambda e: e.outs[0].id)
    made = {out: eqn for eqn in pending for out in eqn.outs}
    placed: dict[Eqn, None] = {}
    stack = pending[::-1]
    while stack:
        eqn = stack[-1]
        missing = [] if eqn in placed else [
            made[v] for v in uses(eqn) if v in made and made[v] not in placed]
        if missing:
            stack += missing
        else:
            placed[stack.pop()] = None
    return list(placed)


class _Graph:
    def __init__(self) -> None:
        self.ends: list[Any] = []               # of edge k; k ^ 1 is its reverse
        self.rest: list[float] = []
        self.edges: dict[Any, list[int]] = {}

    def edge(self, a: Any, b: Any, capacity: float) -> None:
        self.edges.setdefault(a, []).append(len(self.ends))
        self.ends.append(b)
        self.rest.append(capacity)
        self.edges.setdefault(b, []).append(len(self.ends))
        self.ends.append(a)
        self.rest.append(0.0)

    def cut(self) -> set[Var]:
        """The Vars in a minimum cut, the one nearest to what is needed."""
        if "start" not in self.edges or "needed" not in self.edges:
            return set()
        while True:
            level = self._levels()
            if "needed" not in level:
                break
            self._block(level)
        near = self._reaching()
        return {node[0] for node in self.edges if node.__class__ is tuple and node[1] == 0
                and node not in near and (node[0], 1) in near}

    def _levels(self) -> dict[Any, int]:
        level = {"start": 0}
        queue: list[Any] = ["start"]
        for node in queue:
            for k in self.edges[node]:
                end = self.ends[k]
                if self.rest[k] > 1e-9 and end not in level:
                    level[end] = level[node] + 1
                    queue.append(end)
        return level

    def _block(self, level: dict[Any, int]) -> None:
        """A blocking flow, depth first."""
        at = dict.fromkeys(level, 0)
        path: list[int] = []
        node: Any = "start"
        while True:
            if node == "needed":
                flow = min(self.rest[k] for k in path)
                for k in path:
                    self.rest[k] -= flow
                    self.rest[k ^ 1] += flow
                first = next(d for d, k in enumerate(path) if self.rest[k] <= 1e-9)
                node = self.ends[path[first] ^ 1]
                del path[first:]
            edges = self.edges[node]
            while at[node] < len(edges):
                k = edges[at[node]]
                end = self.ends[k]
                if self.rest[k] > 1e-9 and level.get(end, -1) == level[node] + 1:
                    break
                at[node] += 1
            else:
                if not path:
                    return
                node = self.ends[path.pop() ^ 1]
                at[node] += 1
                continue
            path.append(k)
            node = end

    def _reaching(self) -> set[Any]:
        """Nodes from which what is needed can still be reached."""
        found = {"needed"}
        queue: list[Any] = ["needed"]
        for node in queue:
            for k in self.edges[node]:
                source = self.ends[k]
                if self.rest[k ^ 1] > 1e-9 and source not in found:
                    found.add(source)
                    queue.append(source)
        return found
