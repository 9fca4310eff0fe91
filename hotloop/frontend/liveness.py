"""Which names a staged statement must carry: stores, loads, liveness, definite assignment.

    live(body, after)                annotates If/For/While with `live_out`, loops with `live_head`
    mark_unbound(body, bound, locals)   marks loads of names that may be unbound (`may_fail`)

Summaries (gen, kill) of a statement are computed once, bottom-up, so the analysis is linear in the
nesting depth.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from hotloop.frontend.jumps import always_jumps
from hotloop.frontend.syntax import children, walk

Names = set[str]
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
AT_TIMES = (*COMPREHENSIONS, ast.BoolOp, ast.IfExp, ast.Compare)
"""Expressions of which Python may not evaluate all parts."""


class Analysis:
    """Analyses of one function body; `shared` are locals that nested functions assign (nonlocal):
    any call may store to them; `captured` are those that they read: any call may load them."""

    def __init__(self, shared: Names):
        self.shared = shared
        self.captured: Names = set()
        self._stores: dict[ast.AST, Names] = {}
        self._loads: dict[ast.AST, Names] = {}
        self._calls: dict[ast.AST, bool] = {}

    def knows(self, captured: Names) -> None:
        """From now on `loads` counts what nested functions read."""
        self.captured = captured
        self._loads.clear()

    # ---- names

    def stores(self, nodes: Iterable[ast.AST]) -> Names:
        """Local names that the nodes may assign or delete."""
        result: Names = set()
        for node in nodes:
            result |= self._stores_of(node)
        return result

    def _stores_of(self, node: ast.AST) -> Names:
        known = self._stores.get(node)
        if known is None:
            known = set()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                known.add(node.name)
            elif isinstance(node, (*COMPREHENSIONS, ast.Lambda)):
                known.update(k.target.id for k in walk(node) if isinstance(k, ast.NamedExpr))
            else:
                if isinstance(node, ast.Name):
                    if not isinstance(node.ctx, ast.Load):
                        known.add(node.id)
                elif isinstance(node, ast.Import | ast.ImportFrom):
                    known.update((a.asname or a.name).split(".")[0] for a in node.names)
                elif isinstance(node, ast.ExceptHandler) and node.name:
                    known.add(node.name)
                for child in children(node):
                    known |= self._stores_of(child)
                if isinstance(node, ast.Call):
                    known |= self.shared
            self._stores[node] = known
        return known

    def loads(self, node: ast.AST | None) -> Names:
        """Names that the node reads, also the free names of nested functions."""
        if node is None:
            return set()
        known = self._loads.get(node)
        if known is None:
            known = self._free(node)
            if any(isinstance(k, ast.Call) for k in walk(node)):
                known |= self.shared | self.captured
            self._loads[node] = known
        return known

    def _free(self, node: ast.AST) -> Names:
        found: Names = set()
        todo = [node]
        while todo:
            k: Any = todo.pop()
            if isinstance(k, ast.Name):
                if isinstance(k.ctx, ast.Load):
                    found.add(k.id)
            elif isinstance(k, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef):
                body = [k.body] if isinstance(k, ast.Lambda) else k.body
                own = {a.arg for a in walk(k.args) if isinstance(a, ast.arg)} | self.stores(body)
                shared = {name for part in body for d in walk(part)
                          if isinstance(d, ast.Nonlocal | ast.Global) for name in d.names}
                found |= {name for part in body for name in self._free(part)} - (own - shared)
                todo += [c for c in children(k) if c not in body]
            elif isinstance(k, COMPREHENSIONS):
                own = {name for g in k.generators for name in self.stores([g.target])}
                first = k.generators[0].iter
                found |= {name for c in children(k) for name in self._free(c)} - own
                todo.append(first)
            else:
                todo += children(k)
        return found

    # ---- liveness

    def summary(self, block: list[ast.stmt]) -> tuple[Names, Names]:
        """(read before written, certainly written)"""
        gen: Names = set()
        kill: Names = set()
        for s in block:
            g, k = self._summary_of(s)
            gen |= g - kill
            kill |= k
        return gen, kill

    def _summary_of(self, s: Any) -> tuple[Names, Names]:
        known = getattr(s, "gen_kill", None)
        if known is not None:
            return known
        if isinstance(s, ast.If):
            (g1, k1), (g2, k2) = self.summary(s.body), self.summary(s.orelse)
            known = g1 | g2 | self.loads(s.test), k1 & k2
        elif isinstance(s, ast.For):
            g, _ = self.summary(s.body)
            known = ((g - self._stores_of(s.target)) | self.loads(s.target)
                     | self.loads(s.iter), set())
        elif isinstance(s, ast.While):
            g, _ = self.summary(s.body)
            known = (g - self._stores_of(s.test)) | self.loads(s.test), set()
        elif isinstance(s, ast.Try | ast.With):
            known = self.loads(s) | self._augmented(s), set()
        else:
            w = self._stores_of(s)
            perhaps = bound_at_times(s)
            partial = isinstance(s, ast.AugAssign | ast.Delete)
            known = self.loads(s) | (w if partial else set()), (set() if partial else w)
            known = known[0], known[1] - self.shared - perhaps
        s.gen_kill = known
        return known

    def _augmented(self, s: ast.AST) -> Names:
        return {k.target.id for k in walk(s)
                if isinstance(k, ast.AugAssign) and isinstance(k.target, ast.Name)}

    def live(self, block: list[ast.stmt], out: Names) -> Names:
        """Annotate the block, given what is live after it; gives what is live before it."""
        out = set(out)
        for s in reversed(block):
            after = set(out)
            gen, kill = self._summary_of(s)
            out = (out - kill) | gen
            self._annotate(s, after)
        return out

    def _annotate(self, statement: ast.stmt, after: Names) -> None:
        s: Any = statement
        if isinstance(statement, ast.If):
            s.live_out = after
            self.live(s.body, after)
            self.live(s.orelse, after)
        elif isinstance(statement, ast.For | ast.While):
            s.live_out = after
            first = s.target if isinstance(statement, ast.For) else s.test
            written = self._stores_of(first)
            gen, kill = self.summary(s.body)
            own = {s.stop} if s.stop else set()
            s.live_head = (gen - written) | (after - kill) | own
            if isinstance(statement, ast.While):
                s.live_head |= self.loads(s.test) | (after - written)
            self.live(s.body, s.live_head | after | own)
        elif isinstance(statement, ast.With):
            s.live_out = after
            self.live(s.body, after)
        elif isinstance(statement, ast.Try):
            everything = after | self.loads(s)
            s.live_out = after
            for part in (s.body, s.orelse, s.finalbody, *(h.body for h in s.handlers)):
                self.live(part, everything)


def mark_unbound(block: list[ast.stmt], bound: Names, local: Names,
                 analysis: Analysis) -> Names:
    """Forward: mark loads of locals that may be unbound; gives what is bound after the block."""
    for s in block:
        if isinstance(s, ast.If):
            _mark(s.test, bound, local)
            yes = mark_unbound(s.body, set(bound), local, analysis)
            no = mark_unbound(s.orelse, set(bound), local, analysis)
            bound = no if always_jumps(s.body) else yes if always_jumps(s.orelse) else yes & no
        elif isinstance(s, ast.For | ast.While):
            first = s.iter if isinstance(s, ast.For) else s.test
            _mark(first, bound, local)
            inside = set(bound)
            if isinstance(s, ast.For):
                _mark(s.target, bound, local)
                inside |= analysis.stores([s.target])
            mark_unbound(s.body, inside, local, analysis)
        elif isinstance(s, ast.With):
            for item in s.items:
                _mark(item, bound, local)
            inside = set(bound) | analysis.stores(s.items)
            mark_unbound(s.body, inside, local, analysis)     # its end may not be reached
        elif isinstance(s, ast.Try):
            before = set(bound)
            after = mark_unbound(s.body, set(bound), local, analysis)
            after = mark_unbound(s.orelse, after, local, analysis)
            for handler in s.handlers:
                start = before | ({handler.name} if handler.name else set())
                after &= mark_unbound(handler.body, start, local, analysis)
            bound = after | mark_unbound(s.finalbody, set(before), local, analysis)
        else:
            _mark(s, bound, local)
            if isinstance(s, ast.Delete):
                bound = bound - analysis.stores([s])
            else:
                bound = bound | (analysis.stores([s]) - bound_at_times(s))
    return bound


def bound_at_times(s: ast.AST) -> Names:
    """Names that assignment expressions of the statement may bind or not."""
    return {e.target.id for k in walk(s) if isinstance(k, AT_TIMES)
            for e in walk(k) if isinstance(e, ast.NamedExpr)}


def _mark(node: ast.AST, bound: Names, local: Names) -> None:
    for k in walk(node):
        if (isinstance(k, ast.Name) and k.id in local and k.id not in bound
                and not isinstance(k.ctx, ast.Store) and not k.id.startswith("_hl")):
            k.may_fail = True  # type: ignore[attr-defined]
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
        if node.target.id in local and node.target.id not in bound:
            node.may_fail = True  # type: ignore[attr-defined]
