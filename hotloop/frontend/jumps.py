"""break, continue and return as flags; `match` and loop `else` as `if`.

    for i in range(n):                 _b1 = False
        if x[i] > t:                   for i in range(n):         # stops when _b1 is true
            return i           ->          if x[i] > t: _hl_value = i; _hl_returned = _b1 = True
    return -1                          if not _hl_returned: _hl_value = -1

If one side of an `if` always jumps, the rest of the block moves into the other side and no flag is
needed. Runs first: the later analyses see structured code only. `For` and `While` nodes get the
attribute `stop`: the name of their flag, or None.
"""

from __future__ import annotations

import ast
from typing import Any

from hotloop.frontend.syntax import children, copied, place_at, walk

JUMPS = (ast.Break, ast.Continue, ast.Return)
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.ListComp,
          ast.SetComp, ast.DictComp, ast.GeneratorExp)
LOOPS = (ast.For, ast.While)
VALUE, RETURNED = "_hl_value", "_hl_returned"


class NotRewritable(Exception):
    """A statement that the rewriter does not know: (message, node)."""


def jumps_out(node: ast.AST, kinds: tuple[type, ...]) -> bool:
    """Does `node` hold a jump of `kinds` that leaves it (not one of an inner loop or function)?"""
    if isinstance(node, kinds):
        return True
    if isinstance(node, SCOPES):
        return False
    if isinstance(node, LOOPS):
        through = tuple(k for k in kinds if k is ast.Return)
        return (any(jumps_out(c, kinds) for c in node.orelse)
                or bool(through) and any(jumps_out(c, through) for c in node.body))
    return any(jumps_out(c, kinds) for c in children(node)
               if isinstance(c, ast.stmt | ast.excepthandler | ast.match_case))


def always_jumps(block: list[ast.stmt]) -> bool:
    """Does control never reach the end of the block?"""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, ast.If):
        return always_jumps(last.body) and always_jumps(last.orelse)
    if isinstance(last, ast.While) and isinstance(last.test, ast.Constant) and last.test.value:
        return not any(jumps_out(c, (ast.Break,)) for c in last.body)
    return isinstance(last, (*JUMPS, ast.Raise))


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def assign(name: str, value: ast.expr, at: ast.AST) -> ast.Assign:
    return place_at(ast.Assign([store(name)], value), at)


def flag(name: str, value: bool, at: ast.AST) -> ast.Assign:
    return assign(name, ast.Constant(value), at)


def _unless(name: str, body: list[ast.stmt], at: ast.AST) -> ast.If:
    return place_at(ast.If(ast.UnaryOp(ast.Not(), load(name)), body, []), at)


class Lowering:
    """Lowers the jumps of one function; `returns`: whether VALUE and RETURNED are used."""

    def __init__(self) -> None:
        self.count = 0
        self.returns = False

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"_hl_{prefix}{self.count}"

    def block(self, statements: list[ast.stmt], stop: str | None,
              skip: list[str]) -> list[ast.stmt]:
        """Lower a block; a jump sets the flags `skip`, and `stop` if it leaves the loop."""
        out: list[ast.stmt] = []
        for k, s in enumerate(statements):
            rest = statements[k + 1:]
            if isinstance(s, ast.Match):
                before, s = self._match(s)
                out += before
            if isinstance(s, ast.Return) and isinstance(s.value, ast.IfExp):
                choice = s.value               # two returns: their types need not agree
                s = place_at(ast.If(choice.test, [place_at(ast.Return(choice.body), s)],
                                    [place_at(ast.Return(choice.orelse), s)]), s)
            leaving = ([flag(stop, True, s)] if stop else []) + [flag(f, True, s) for f in skip]
            if isinstance(s, ast.Return):
                self.returns = True
                value = s.value or place_at(ast.Constant(None), s)
                return [*out, assign(VALUE, value, s), flag(RETURNED, True, s), *leaving]
            if isinstance(s, ast.Break):
                return out + leaving
            if isinstance(s, ast.Continue):
                return out + [flag(f, True, s) for f in skip]
            if isinstance(s, ast.If):
                if not jumps_out(s, JUMPS):
                    s.body = self.block(s.body, stop, skip)
                    s.orelse = self.block(s.orelse, stop, skip)
                    out.append(s)
                    continue
                return out + self._jumping_if(s, rest, stop, skip)
            if isinstance(s, LOOPS):
                done = self._loop(s, rest, stop, skip, out)
                if done:
                    return out
                continue
            if isinstance(s, ast.Try) and any(jumps_out(c, JUMPS) for c in s.finalbody):
                final, tried = s.finalbody, _swallowing(s)
                out += self.block([tried], stop, skip)
                return out + self.block(final, stop, skip)
            if isinstance(s, ast.With | ast.Try):
                jumps = jumps_out(s, JUMPS)
                skipped = isinstance(s, ast.Try) and bool(s.orelse) and any(
                    jumps_out(c, JUMPS) for c in s.body)
                inner = self.fresh("j") if jumps and (rest or skipped) else None
                flags = [*skip, inner] if inner else skip
                if inner:
                    out.append(flag(inner, False, s))
                for part in ("body", "orelse", "finalbody"):
                    if getattr(s, part, None):
                        setattr(s, part, self.block(getattr(s, part), stop, flags)
                                or [place_at(ast.Pass(), s)])
                for handler in getattr(s, "handlers", []):
                    handler.body = self.block(handler.body, stop, flags) or [
                        place_at(ast.Pass(), s)]
                if isinstance(s, ast.Try) and inner and skipped:
                    s.orelse = [_unless(inner, s.orelse, s)]
                out.append(s)
                if inner and rest:
                    out.append(_unless(inner, self.block(rest, stop, skip), s))
                    return out
                continue
            out.append(s)
        return out

    def _jumping_if(self, s: ast.If, rest: list[ast.stmt], stop: str | None,
                    skip: list[str]) -> list[ast.stmt]:
        nothing: list[ast.stmt] = [place_at(ast.Pass(), s)]
        if always_jumps(s.body):
            s.body, s.orelse = (self.block(s.body, stop, skip) or nothing,
                                self.block(s.orelse + rest, stop, skip))
            return [s]
        if s.orelse and always_jumps(s.orelse):
            s.body, s.orelse = (self.block(s.body + rest, stop, skip) or nothing,
                                self.block(s.orelse, stop, skip))
            return [s]
        inner = self.fresh("j")
        s.body = self.block(s.body, stop, [*skip, inner]) or nothing
        s.orelse = self.block(s.orelse, stop, [*skip, inner])
        out: list[ast.stmt] = [flag(inner, False, s), s]
        if rest:
            out.append(_unless(inner, self.block(rest, stop, skip) or nothing, s))
        return out

    def _loop(self, s: Any, rest: list[ast.stmt], stop: str | None, skip: list[str],
              out: list[ast.stmt]) -> bool:
        if isinstance(s, ast.While) and not s.orelse and any(
                isinstance(k, ast.NamedExpr) for k in walk(s.test)):
            leave = place_at(
                ast.If(ast.UnaryOp(ast.Not(), s.test), [place_at(ast.Break(), s)], []), s)
            s.body, s.test = [leave, *s.body], place_at(ast.Constant(True), s)
        leaves = any(jumps_out(c, (ast.Break, ast.Return)) for c in s.body)
        own = self.fresh("b") if leaves else None
        returns = any(jumps_out(c, (ast.Return,)) for c in s.body)
        s.body = self.block(s.body, own, []) or [place_at(ast.Pass(), s)]
        s.stop = own
        if own:
            out.append(flag(own, False, s))
        orelse, s.orelse = s.orelse, []
        out.append(s)
        after = [_unless(own, orelse, s)] if orelse and own else orelse
        if returns:
            leaving: list[ast.stmt] = [
                flag(f, True, s) for f in ([stop] if stop else []) + skip]
            body = self.block([*after, *rest], stop, skip) or [place_at(ast.Pass(), s)]
            branch = _unless(RETURNED, body, s)
            branch.orelse = leaving
            out.append(branch)
        elif any(jumps_out(c, JUMPS) for c in orelse):
            out += self.block([*after, *rest], stop, skip)
        else:
            out += self.block(after, stop, skip)
            return False
        return True

    def _match(self, s: ast.Match) -> tuple[list[ast.stmt], ast.stmt]:
        """A chain of ifs on a saved subject."""
        subject = self.fresh("s")
        first = assign(subject, s.subject, s)
        chain: list[ast.stmt] = []
        for case in reversed(s.cases):
            test, bindings = _pattern(case.pattern, load(subject))
            if case.guard is not None:
                guard = _Replace(dict(bindings)).visit(case.guard)
                test = guard if test is None else ast.BoolOp(ast.And(), [test, guard])
            body: list[ast.stmt] = [
                *(assign(name, copied(part), case.pattern) for name, part in bindings),
                *case.body]
            node = ast.If(test or ast.Constant(True), body, chain)
            chain = [place_at(node, case.pattern)]
        return [first], chain[0]


def _swallowing(s: ast.Try) -> ast.Try:
    """`try: ... finally: return x`: whatever the rest raises or returns, x is returned."""
    if not (isinstance(s.finalbody[-1], ast.Return) and not any(
            jumps_out(c, JUMPS) for c in s.finalbody[:-1])):
        raise NotRewritable("a jump out of finally other than a return at its end",
                            next(c for c in s.finalbody if jumps_out(c, JUMPS)))
    nothing = place_at(ast.ExceptHandler(None, None, [ast.Pass()]), s)
    s.finalbody = []
    return place_at(ast.Try([s] if s.handlers else s.body, [nothing], [], []), s)


class _Replace(ast.NodeTransformer):
    """Names by the parts of the subject that a pattern binds to them."""

    def __init__(self, parts: dict[str, ast.expr]):
        self.parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        part = self.parts.get(node.id)
        return node if part is None else copied(part)


Bindings = list[tuple[str, ast.expr]]


def _helper(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(ast.Attribute(load("_hl"), name, ast.Load()), list(args), [])


def _all(tests: list[ast.expr | None]) -> ast.expr | None:
    kept = [t for t in tests if t is not None]
    return ast.BoolOp(ast.And(), kept) if len(kept) > 1 else kept[0] if kept else None


def _pattern(p: ast.pattern, subject: ast.expr) -> tuple[ast.expr | None, Bindings]:
    """A test (None: always true) and the parts of the subject that the pattern binds."""
    def again() -> ast.expr:
        return copied(subject)

    def parts(pairs: list[tuple[ast.pattern, ast.expr]],
              test: ast.expr) -> tuple[ast.expr | None, Bindings]:
        found = [_pattern(q, part) for q, part in pairs]
        return _all([test, *(t for t, _ in found)]), [b for _, bs in found for b in bs]

    if isinstance(p, ast.MatchValue):
        return ast.Compare(again(), [ast.Eq()], [p.value]), []
    if isinstance(p, ast.MatchSingleton):
        return ast.Compare(again(), [ast.Is()], [ast.Constant(p.value)]), []
    if isinstance(p, ast.MatchAs):
        test, names = (None, []) if p.pattern is None else _pattern(p.pattern, subject)
        return test, names + ([(p.name, again())] if p.name else [])
    if isinstance(p, ast.MatchOr):
        tests = [_pattern(q, subject) for q in p.patterns]
        if any(names for _, names in tests):
            raise NotRewritable("names bound inside an or-pattern of match", p)
        if any(test is None for test, _ in tests):
            return None, []
        return ast.BoolOp(ast.Or(), [t for t, _ in tests if t is not None]), []
    if isinstance(p, ast.MatchSequence):
        stars = [k for k, q in enumerate(p.patterns) if isinstance(q, ast.MatchStar)]
        count = len(p.patterns)
        star = stars[0] if stars else -1
        pairs: list[tuple[ast.pattern, ast.expr]] = []
        rest: Bindings = []
        for k, q in enumerate(p.patterns):
            if isinstance(q, ast.MatchStar):
                if q.name:
                    rest.append((q.name, _helper("matched_rest", again(), ast.Constant(k),
                                                 ast.Constant(count - k - 1))))
                continue
            at = k if star < 0 or k < star else k - count
            pairs.append((q, ast.Subscript(again(), ast.Constant(at), ast.Load())))
        test, names = parts(pairs, _helper("matches_sequence", again(), ast.Constant(count),
                                           ast.Constant(star >= 0)))
        return test, names + rest
    if isinstance(p, ast.MatchClass):
        pairs = [(q, _helper("matched_attribute", again(), copied(p.cls), ast.Constant(k)))
                 for k, q in enumerate(p.patterns)]
        pairs += [(q, ast.Attribute(again(), name, ast.Load()))
                  for name, q in zip(p.kwd_attrs, p.kwd_patterns, strict=True)]
        return parts(pairs, _helper("matches_class", again(), p.cls))
    if isinstance(p, ast.MatchMapping) and p.rest is None:
        keys = ast.Tuple([copied(k) for k in p.keys], ast.Load())
        return parts([(q, ast.Subscript(again(), k, ast.Load()))
                      for k, q in zip(p.keys, p.patterns, strict=True)],
                     _helper("matches_mapping", again(), keys))
    raise NotRewritable("a match pattern of this kind", p)
