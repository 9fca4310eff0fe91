"""AST to AST: control flow, calls, stores and loads through helpers (`_hl`, see `control`).

    for i in range(n):                 def _hl_body1(_hl_item):
        if x[i] > t: s += x[i]    ->       nonlocal i, s
                                           i = _hl_item
                                           def _hl_then2(): nonlocal s; s = _hl.augment(s, ...)
                                           ...
                                           _hl.if_(_hl.load(x, i) > t, _hl_then2, _hl_else3, ...)
                                       _hl.for_(range(n), _hl_body1, ...)

Bodies become nested functions over the same closure cells, so the helpers read and write the names
through `__closure__`, an unbound name is an empty cell, and most loads need no rewriting. Lines and
columns are kept. The result is cached by code object; a Rewritten is bound to globals, cells and
defaults for each trace.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from hotloop.errors import Location, UnsupportedError
from hotloop.frontend.jumps import (
    RETURNED,
    VALUE,
    Lowering,
    NotRewritable,
    always_jumps,
    load,
    store,
)
from hotloop.frontend.liveness import Analysis, mark_unbound
from hotloop.frontend.source import function_tree
from hotloop.frontend.syntax import children, fill, function_definition, place_at, walk
from hotloop.frontend.yields import (
    GENERATOR,
    SINK,
    check_manager,
    is_endless,
    lower_yields,
    uses_sink,
)

HELPERS = "_hl"
DELAYED = "_hl_delayed"
FUNCTION = "_hl_function_"
COMPARED: dict[type, str] = {ast.In: "in_", ast.NotIn: "not_in", ast.Is: "is_",
                             ast.IsNot: "is_not", ast.Eq: "equal", ast.NotEq: "not_equal",
                             ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater",
                             ast.GtE: "greater_equal"}
UNTOUCHED_CALLS = frozenset(("super", "locals", HELPERS))


OWN_NAMES = frozenset(("view", "base", "value", "assign", "along", "dims", "steps", "token",
                       "contiguous", "same_view", "seen_by", "atom", "kind"))
"""What tracers have for themselves; in users' code it is meant otherwise."""


class Rewritten:
    """Code of a rewritten function; its free variables are those of the original and `_hl`. A
    generator function has a further parameter, the sink (see `yields`)."""

    __slots__ = ("code", "endless", "foreign", "inner", "name", "stopping")

    def __init__(self, code: CodeType, name: str, foreign: tuple[str, ...]):
        self.code, self.name = code, name
        self.foreign = foreign                     # names of functions around it that it assigns
        self.stopping: Rewritten | None = None     # a generator function whose consumer may leave
        self.endless = False
        self.inner = list(_inner_codes(code))


def _inner_codes(code: CodeType) -> list[CodeType]:
    found = [c for c in code.co_consts if isinstance(c, CodeType)]
    return found + [d for c in found for d in _inner_codes(c)]


def helper(name: str) -> ast.Attribute:
    return ast.Attribute(load(HELPERS), name, ast.Load())


def call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(helper(name), list(args), [])


def constant(value: Any) -> ast.Constant:
    return ast.Constant(value)


def no_arguments(names: list[str] | None = None) -> ast.arguments:
    return ast.arguments([], [ast.arg(n) for n in names or []], None, [], [], None, [])


def delayed(expression: ast.expr) -> ast.Lambda:
    """`lambda: expression`; its argument tells it from the user's lambdas."""
    arguments = ast.arguments([], [], ast.arg(DELAYED), [], [], None, [])
    return ast.copy_location(ast.Lambda(arguments, expression), expression)


def define(name: str, params: list[str], body: list[ast.stmt]) -> ast.FunctionDef:
    return function_definition(name, no_arguments(params), body or [ast.Pass()])


def name_tuple(names: set[str]) -> ast.Constant:
    return constant(tuple(sorted(names)))


class Rewriter(ast.NodeTransformer):
    """Rewrites the body of one function whose jumps are lowered and whose loops are annotated."""

    def __init__(self, local: set[str], analysis: Analysis, owner: str | None,
                 generator: bool = False):
        self.local, self.analysis, self.owner, self.count = local, analysis, owner, 0
        self.generator = generator

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"_hl_{prefix}{self.count}"

    def mangled(self, name: str) -> str:
        """A private name of a class, as the compiler stores it."""
        if self.owner is None or not name.startswith("__") or name.endswith("__"):
            return name
        return f"_{self.owner.lstrip('_')}{name}"

    def block(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for s in statements:
            new = self.visit(s)
            if isinstance(new, list):
                out += new
            elif new is not None:
                out.append(new)
        return out

    def shared(self, nodes: list[ast.AST]) -> list[ast.stmt]:
        names = sorted(self.analysis.stores(nodes) & self.local)
        return [ast.Nonlocal(names)] if names else []

    def at(self, nodes: list[ast.stmt], old: ast.AST) -> list[ast.stmt]:
        for node in nodes:
            place_at(node, old)
        return nodes

    # ---- functions inside stay as they are: rewritten when they are called

    def visit_FunctionDef(self, n: ast.FunctionDef) -> Any:
        n.decorator_list = [self.visit(d) for d in n.decorator_list]
        return n

    def visit_ClassDef(self, n: ast.ClassDef) -> Any:
        return n

    def visit_AsyncFunctionDef(self, n: ast.AsyncFunctionDef) -> Any:
        return n

    def visit_Lambda(self, n: ast.Lambda) -> Any:
        return n

    # ---- statements

    def visit_If(self, n: Any) -> Any:
        stored = (self.analysis.stores(n.body) | self.analysis.stores(n.orelse)) & self.local
        then, other = self.fresh("then"), self.fresh("else")
        yes, no = self.shared(n.body), self.shared(n.orelse)
        sink = self.sink([*n.body, *n.orelse])
        return self.at([
            define(then, [], yes + self.block(n.body)),
            define(other, [], no + self.block(n.orelse)),
            ast.Expr(ast.copy_location(call(
                "if_", self.condition(n.test), load(then), load(other),
                name_tuple(stored & n.live_out), name_tuple(stored - n.live_out), *sink), n.test)),
        ], n)

    def sink(self, body: list[ast.stmt]) -> list[ast.expr]:
        """The last argument of the helper of a statement that holds a `yield`."""
        return [load(SINK)] if self.generator and uses_sink(body) else []

    def _loop_names(self, n: Any, stored: set[str]) -> list[ast.expr]:
        """slots, those live at the head, dead ones, the stop flag"""
        return [name_tuple(stored & (n.live_head | n.live_out)),
                name_tuple(stored & n.live_head),
                name_tuple(stored - n.live_head - n.live_out), constant(n.stop)]

    def visit_For(self, n: Any) -> Any:
        item = ast.copy_location(ast.Assign([n.target], load("_hl_item")), n.target)
        nodes = [item, *n.body]
        stored = self.analysis.stores(nodes) & self.local
        body = self.fresh("body")
        names = [*self._loop_names(n, stored), *self.sink(n.body)]
        return self.at([
            define(body, ["_hl_item"], self.shared(nodes) + self.block(nodes)),
            ast.Expr(ast.copy_location(
                call("for_", self.visit(n.iter), load(body), *names), n)),
        ], n)

    def visit_While(self, n: Any) -> Any:
        stored = self.analysis.stores([*n.body, n.test]) & self.local
        body, test = self.fresh("body"), self.fresh("test")
        names = [*self._loop_names(n, stored), *self.sink(n.body)]
        return self.at([
            define(body, [], self.shared(n.body) + self.block(n.body)),
            define(test, [], [*self.shared([n.test]), ast.Return(self.condition(n.test))]),
            ast.Expr(ast.copy_location(call("while_", load(test), load(body), *names), n)),
        ], n)

    def visit_Assert(self, n: ast.Assert) -> Any:
        self.generic_visit(n)
        message = delayed(n.msg) if n.msg is not None else constant(None)
        return self.at([ast.Expr(call("assert_", n.test, message))], n)

    def visit_Raise(self, n: ast.Raise) -> Any:
        self.generic_visit(n)
        made = delayed(n.exc) if n.exc is not None else constant(None)
        return self.at([ast.Expr(call("raise_", made))], n)

    def visit_Try(self, n: Any) -> Any:
        bodies = [n.body, *(h.body for h in n.handlers), n.orelse, n.finalbody]
        stored = set()
        for body in bodies:
            stored |= self.analysis.stores(body)
        stored = (stored | {h.name for h in n.handlers if h.name}) & self.local
        out: list[ast.stmt] = []

        def named(prefix: str, body: list[ast.stmt], own: str | None = None) -> ast.expr:
            if not body:
                return constant(None)
            name = self.fresh(prefix)
            names = sorted((self.analysis.stores(body) | ({own} if own else set())) & self.local)
            shared: list[ast.stmt] = [ast.Nonlocal(names)] if names else []
            out.append(define(name, [], shared + self.block(body)))
            return load(name)
        tried = named("try", n.body)
        handlers: list[ast.expr] = []
        for h in n.handlers:
            kinds = delayed(self.visit(h.type)) if h.type else constant(None)
            handlers.append(ast.Tuple([kinds, named("except", h.body, h.name),
                                       constant(h.name)], ast.Load()))
        orelse, final = named("else", n.orelse), named("finally", n.finalbody)
        sink = self.sink([s for body in bodies for s in body])
        out.append(ast.Expr(call("try_", tried, ast.Tuple(handlers, ast.Load()), orelse, final,
                                 name_tuple(stored & n.live_out),
                                 name_tuple(stored - n.live_out), *sink)))
        return self.at(out, n)

    def visit_TryStar(self, n: Any) -> Any:
        raise NotRewritable("except*", n)

    def visit_With(self, n: Any) -> Any:
        for item in n.items[:0:-1]:                # one manager each
            inner: Any = ast.With([item], n.body)
            inner.live_out = n.live_out
            n.body = [place_at(inner, item.context_expr)]
        item = n.items[0]
        bound: list[ast.stmt] = [] if item.optional_vars is None else [ast.copy_location(
            ast.Assign([item.optional_vars], load("_hl_item")), item.context_expr)]
        nodes = [*bound, *n.body]
        stored = self.analysis.stores(nodes) & self.local
        body = self.fresh("with")
        parameter = no_arguments(["_hl_item"])
        return self.at([
            function_definition(body, parameter, self.shared(nodes) + self.block(nodes)),
            ast.Expr(ast.copy_location(call(
                "with_", self.visit(item.context_expr), load(body),
                name_tuple(stored & n.live_out), name_tuple(stored - n.live_out)),
                item.context_expr))], n)

    def visit_Delete(self, n: ast.Delete) -> Any:
        out: list[ast.stmt] = []
        for t in n.targets:
            if isinstance(t, ast.Subscript):
                out.append(ast.Expr(call("delete_item", self.visit(t.value),
                                         self.index(self.visit(t.slice)))))
            else:
                out.append(ast.Delete([t]))
        return self.at(out, n)

    def visit_Assign(self, n: ast.Assign) -> Any:
        n.value = self.visit(n.value)
        if len(n.targets) == 1:
            return self._assigned(n.targets[0], n.value, n)
        saved = self.fresh("value")
        out: list[ast.stmt] = [ast.Assign([store(saved)], n.value)]
        for t in n.targets:
            out += self._assigned(t, load(saved), n)
        return self.at(out, n)

    def _assigned(self, t: ast.expr, value: ast.expr, n: ast.stmt) -> list[ast.stmt]:
        if isinstance(t, ast.Subscript):
            return self.at([ast.Expr(ast.copy_location(call(
                "store", value, self.visit(t.value), self.index(self.visit(t.slice))), t))], n)
        if isinstance(t, ast.Attribute):
            name = constant(self.mangled(t.attr))
            return self.at([ast.Expr(ast.copy_location(
                call("assign_attribute", value, self.visit(t.value), name), t))], n)
        if isinstance(t, ast.Tuple | ast.List):
            return self._unpacked(t, value, n)
        return self.at([ast.Assign([t], value)], n)

    def _unpacked(self, t: ast.Tuple | ast.List, value: ast.expr, n: ast.stmt) -> list[ast.stmt]:
        """`a, x[i] = v`: names are unpacked natively, other targets from saved names."""
        star = [k for k, e in enumerate(t.elts) if isinstance(e, ast.Starred)]
        counts = (star[0], len(t.elts) - star[0] - 1) if star else (len(t.elts), -1)
        value = ast.copy_location(
            call("unpacked", value, constant(counts[0]), constant(counts[1])), n)
        if all(isinstance(e, ast.Name) or isinstance(e, ast.Starred)
               and isinstance(e.value, ast.Name) for e in t.elts):
            return self.at([ast.Assign([t], value)], n)
        names: list[ast.expr] = []
        later: list[ast.stmt] = []
        for e in t.elts:
            starred = isinstance(e, ast.Starred)
            target = e.value if isinstance(e, ast.Starred) else e
            if isinstance(target, ast.Name):
                names.append(e)
                continue
            saved = self.fresh("part")
            names.append(ast.Starred(store(saved), ast.Store()) if starred else store(saved))
            later += self._assigned(target, load(saved), n)
        return self.at([ast.Assign([ast.Tuple(names, ast.Store())], value), *later], n)

    def visit_AnnAssign(self, n: ast.AnnAssign) -> Any:
        if n.value is None:
            return None
        return self._assigned(n.target, self.visit(n.value), n)

    def visit_AugAssign(self, n: Any) -> Any:
        value = self.visit(n.value)
        t, op = n.target, constant(type(n.op).__name__)
        if isinstance(t, ast.Subscript):
            item = call("loaded", self.visit(t.value), self.index(self.visit(t.slice)))
            new: ast.stmt = ast.Expr(call("augment_item", item, op, value))
        elif isinstance(t, ast.Attribute):
            item = call("loaded_attribute", self.visit(t.value), constant(self.mangled(t.attr)))
            new = ast.Expr(call("augment_attribute", item, op, value))
        else:
            old: ast.expr = load(t.id)
            if getattr(n, "may_fail", False):
                old = call("bound", delayed(load(t.id)), constant(t.id))
            new = ast.Assign([t], call("augment", old, op, value))
        return self.at([new], n)

    def visit_Nonlocal(self, n: ast.Nonlocal) -> Any:
        return None                            # declared once, at the head of the function

    # ---- expressions

    def condition(self, n: ast.expr) -> ast.expr:
        """An expression of which only the truth matters: `a and b` need not join a and b."""
        if isinstance(n, ast.BoolOp):
            name = "all_" if isinstance(n.op, ast.And) else "any_"
            result = self.condition(n.values[-1])
            for v in reversed(n.values[:-1]):
                result = ast.copy_location(call(name, self.condition(v), delayed(result)), v)
            return result
        if isinstance(n, ast.UnaryOp) and isinstance(n.op, ast.Not):
            return ast.copy_location(call("not_", self.condition(n.operand)), n)
        return self.visit(n)

    def visit_BoolOp(self, n: ast.BoolOp) -> Any:
        name = "and_" if isinstance(n.op, ast.And) else "or_"
        result = self.visit(n.values[-1])
        for v in reversed(n.values[:-1]):
            result = ast.copy_location(call(name, self.visit(v), delayed(result)), v)
        return ast.copy_location(result, n)

    def visit_UnaryOp(self, n: ast.UnaryOp) -> Any:
        if isinstance(n.op, ast.Not):
            return self.condition(n)
        n.operand = self.visit(n.operand)
        return n

    def visit_Compare(self, n: ast.Compare) -> Any:
        self.generic_visit(n)
        if len(n.ops) == 1:
            return self._comparison(n.left, n.ops[0], n.comparators[0], n)
        return self._chain(n.left, n.ops, n.comparators, n)

    def _chain(self, a: ast.expr, ops: list[ast.cmpop], others: list[ast.expr],
               n: ast.AST) -> ast.expr:
        """`a < b < c` is `(lambda l, r: l < r and r < c)(a, b)`: an assignment expression for b
        could not stand everywhere."""
        if len(ops) == 1:
            return self._comparison(a, ops[0], others[0], n)
        self.count += 1
        left, right = f"_hl_l{self.count}", f"_hl_r{self.count}"
        rest = self._chain(load(right), ops[1:], others[1:], n)
        both = call("and_", self._comparison(load(left), ops[0], load(right), n), delayed(rest))
        names = ast.arguments([], [ast.arg(left), ast.arg(right)], None, [], [], None, [])
        return ast.copy_location(ast.Call(ast.Lambda(names, both), [a, others[0]], []), n)

    def _comparison(self, a: ast.expr, op: ast.cmpop, b: ast.expr, n: ast.AST) -> ast.expr:
        if type(op) in COMPARED:
            return ast.copy_location(call(COMPARED[type(op)], a, b), n)
        return ast.copy_location(ast.Compare(a, [op], [b]), n)

    def visit_IfExp(self, n: ast.IfExp) -> Any:
        n.test = self.condition(n.test)
        n.body, n.orelse = self.visit(n.body), self.visit(n.orelse)
        return ast.copy_location(
            call("if_expression", n.test, delayed(n.body), delayed(n.orelse)), n)

    def visit_JoinedStr(self, n: ast.JoinedStr) -> Any:
        """Values that are known at run time only make an f-string text of run time."""
        self.generic_visit(n)
        parts = [p if not isinstance(p, ast.FormattedValue) else ast.Tuple(
            [p.value, constant("" if p.conversion < 0 else chr(p.conversion)),
             p.format_spec or constant("")], ast.Load()) for p in n.values]
        return ast.copy_location(call("fstring", *parts), n)

    def visit_Call(self, n: ast.Call) -> Any:
        f = n.func
        if isinstance(f, ast.Name) and f.id in UNTOUCHED_CALLS:
            n.args = [self.visit(a) for a in n.args]
            return n
        printing = _shows_text(f)
        self.generic_visit(n)
        n.args = [ast.copy_location(ast.Starred(call("iterated", a.value), ast.Load()), a)
                  if isinstance(a, ast.Starred) else a for a in n.args]
        n.func = ast.copy_location(call("function", n.func), n.func)
        if printing:
            return ast.copy_location(call("message", delayed(n)), n)
        return n

    def visit_Attribute(self, n: ast.Attribute) -> Any:
        self.generic_visit(n)
        if n.attr in OWN_NAMES and isinstance(n.ctx, ast.Load):
            return ast.copy_location(call("attribute", n.value, constant(n.attr)), n)
        return n

    def visit_Subscript(self, n: ast.Subscript) -> Any:
        self.generic_visit(n)
        if isinstance(n.ctx, ast.Load):
            return ast.copy_location(call("load", n.value, self.index(n.slice)), n)
        return n

    def index(self, x: ast.expr) -> ast.expr:
        if isinstance(x, ast.Slice):
            parts = [e or constant(None) for e in (x.lower, x.upper, x.step)]
            return ast.copy_location(ast.Call(helper("slice"), parts, []), x)
        if isinstance(x, ast.Tuple):
            return ast.copy_location(ast.Tuple([self.index(e) for e in x.elts], ast.Load()), x)
        return x

    def visit_NamedExpr(self, n: ast.NamedExpr) -> Any:
        """It may stand in a lambda of ours, where Python would bind a name of that."""
        n.value = self.visit(n.value)
        return ast.copy_location(
            call("named", delayed(ast.copy_location(load(n.target.id), n)), n.value), n)

    def visit_Name(self, n: Any) -> Any:
        if getattr(n, "may_fail", False) and isinstance(n.ctx, ast.Load):
            return ast.copy_location(
                call("bound", delayed(ast.copy_location(load(n.id), n)), constant(n.id)), n)
        return n

    def _comprehension(self, n: Any) -> Any:
        self.generic_visit(n)
        for g in n.generators:
            g.iter = ast.copy_location(call("iterated", g.iter), g.iter)
            g.ifs = [ast.copy_location(call("known_truth", c), c) for c in g.ifs]
        return n

    def visit_List(self, n: ast.List) -> Any:
        self.generic_visit(n)
        n.elts = [self._spread(e) for e in n.elts]
        return ast.copy_location(call("display", n), n) if isinstance(n.ctx, ast.Load) else n

    def visit_Tuple(self, n: ast.Tuple) -> Any:
        self.generic_visit(n)
        n.elts = [self._spread(e) for e in n.elts]
        return n

    def _spread(self, e: ast.expr) -> ast.expr:
        if isinstance(e, ast.Starred) and isinstance(e.ctx, ast.Load):
            e.value = ast.copy_location(call("iterated", e.value), e.value)
        return e

    def visit_BinOp(self, n: ast.BinOp) -> Any:
        lists = any(isinstance(x, ast.List | ast.ListComp) for x in (n.left, n.right))
        self.generic_visit(n)
        if lists and isinstance(n.op, ast.Mult | ast.Add):
            return ast.copy_location(
                call("joined" if isinstance(n.op, ast.Add) else "repeated", n.left, n.right), n)
        return n

    def visit_ListComp(self, n: ast.ListComp) -> Any:
        if not _plain_targets(n):
            return self._comprehension(n)
        self.generic_visit(n)
        added = ast.Call(ast.Attribute(load(SINK), "add", ast.Load()), [n.elt], [])
        body = self._nested(n, added, 0, n.generators[0].iter)
        return ast.copy_location(
            call("listed", ast.Lambda(no_arguments([SINK]), body)), n)

    def _nested(self, n: Any, inner: ast.expr, k: int, first: ast.expr) -> ast.expr:
        """The loops of a comprehension from number k on, around `inner`."""
        g = n.generators[k]
        if k + 1 < len(n.generators):
            inner = self._nested(n, inner, k + 1, n.generators[k + 1].iter)
        for c in reversed(g.ifs):
            inner = ast.copy_location(call("when", load(SINK), c, ast.copy_location(
                ast.Lambda(no_arguments(), inner), c)), c)
        return ast.copy_location(
            call("each", load(SINK), first, ast.copy_location(_function_of(g.target, inner), n)),
            n)

    def visit_SetComp(self, n: ast.SetComp) -> Any:
        if not _plain_targets(n):
            return self._comprehension(n)
        return self._from_list(n, "set_display", n.elt)

    def visit_DictComp(self, n: ast.DictComp) -> Any:
        if not _plain_targets(n):
            return self._comprehension(n)
        return self._from_list(n, "dictionary", ast.Tuple([n.key, n.value], ast.Load()))

    def _from_list(self, n: Any, name: str, item: ast.expr) -> Any:
        """A set or dict of the items that a list comprehension has."""
        items = ast.copy_location(ast.ListComp(ast.copy_location(item, n), n.generators), n)
        return ast.copy_location(call(name, self.visit_ListComp(items)), n)

    def visit_Set(self, n: ast.Set) -> Any:
        self.generic_visit(n)
        items = ast.List([self._spread(e) for e in n.elts], ast.Load())
        return ast.copy_location(call("set_display", ast.copy_location(items, n)), n)

    def visit_Dict(self, n: ast.Dict) -> Any:
        self.generic_visit(n)
        if any(k is None for k in n.keys):
            return ast.copy_location(call("noted", n), n)
        pairs: list[ast.expr] = [
            ast.copy_location(ast.Tuple([k, v], ast.Load()), n)
            for k, v in zip(n.keys, n.values, strict=True) if k is not None]
        return ast.copy_location(call("dictionary", ast.copy_location(
            ast.List(pairs, ast.Load()), n)), n)

    def visit_GeneratorExp(self, n: ast.GeneratorExp) -> Any:
        if not _plain_targets(n):
            return self._comprehension(n)
        self.generic_visit(n)
        added = ast.Call(ast.Attribute(load(SINK), "add", ast.Load()), [n.elt], [])
        body = self._nested(n, added, 0, load("_hl_first"))
        return ast.copy_location(call(
            "stream", n.generators[0].iter,
            ast.Lambda(no_arguments([SINK, "_hl_first"]), body)), n)


def _shows_text(f: ast.expr) -> bool:
    """Is `f` what a call of print or of warnings.warn calls, by name?"""
    if isinstance(f, ast.Attribute):
        return f.attr == "warn" and isinstance(f.value, ast.Name) and f.value.id == "warnings"
    return isinstance(f, ast.Name) and f.id in ("print", "warn")


def _plain_targets(n: Any) -> bool:
    """May the comprehension become nested functions? (Not if it awaits.)"""
    def plain(t: ast.expr) -> bool:
        if isinstance(t, ast.Tuple | ast.List):
            return all(plain(e.value if isinstance(e, ast.Starred) else e) for e in t.elts)
        return isinstance(t, ast.Name)
    return all(plain(g.target) and not g.is_async for g in n.generators) and not any(
        isinstance(k, ast.Await | ast.Yield | ast.YieldFrom) for k in walk(n))


def _function_of(target: ast.expr, body: ast.expr) -> ast.Lambda:
    """`lambda target: body`"""
    if isinstance(target, ast.Name):
        return ast.Lambda(no_arguments([target.id]), body)
    assert isinstance(target, ast.Tuple | ast.List)
    names: list[str] = []
    before, after = len(target.elts), -1
    for k, t in enumerate(target.elts):
        if isinstance(t, ast.Starred):
            before, after = k, len(target.elts) - k - 1
            t = t.value
        if isinstance(t, ast.Name):
            names.append(t.id)
        else:
            names.append(f"_hl_part{k}")
            body = ast.Call(_function_of(t, body), [load(names[-1])], [])
    parts = call("parted", load("_hl_item"), constant(before), constant(after))
    return ast.Lambda(no_arguments(["_hl_item"]), ast.Call(
        ast.Lambda(no_arguments(names), body), [ast.Starred(parts, ast.Load())], []))


# ---- whole functions

_cache: dict[CodeType, tuple[CodeType, Rewritten | None]] = {}
_by_id: dict[int, tuple[CodeType, Rewritten | None]] = {}


def rewritten(fn: FunctionType) -> Rewritten | None:
    """The rewritten code of `fn`; None if it has no source or is a coroutine."""
    code = fn.__code__
    known = _by_id.get(id(code))
    if known is None:
        known = _by_id[id(code)] = code, _rewrite(fn)
    return known[1]


def _rewrite(fn: FunctionType) -> Rewritten | None:
    code = fn.__code__
    if code.co_flags & 0x280:                      # coroutine, asynchronous generator
        return None
    tree = function_tree(fn)
    if tree is None:
        return None

    def made() -> Rewritten:
        if not code.co_flags & GENERATOR:
            return _rewrite_tree(tree, fn)
        made = _rewrite_generator(tree, fn, False)
        made.stopping = _rewrite_generator(function_tree(fn), fn, True)
        return made
    return _located(fn, made)


def _located(fn: FunctionType, made: Callable[[], Rewritten]) -> Rewritten:
    try:
        return made()
    except NotRewritable as error:
        message, node = error.args
        code = fn.__code__
        place = Location(code.co_filename, node.lineno, node.col_offset, code.co_name)
        raise UnsupportedError(f"{message} can't be compiled", place) from None


_managers: dict[int, tuple[CodeType, Rewritten]] = {}


def rewritten_manager(fn: FunctionType) -> Rewritten:
    """The rewritten code of a generator function that contextlib made a context manager of."""
    known = _managers.get(id(fn.__code__))
    if known is None:
        tree = function_tree(fn)
        if tree is None or not fn.__code__.co_flags & GENERATOR:
            raise UnsupportedError(f"the source of {fn.__name__} is not known")
        known = _managers[id(fn.__code__)] = fn.__code__, _located(
            fn, lambda: _rewrite_generator(tree, fn, False, True))
    return known[1]


def _rewrite_generator(tree: Any, fn: FunctionType, stopping: bool,
                       managing: bool = False) -> Rewritten:
    endless = is_endless(tree.body)
    if managing:
        check_manager(tree)
    tree.body = lower_yields(tree.body, stopping, managing)
    tree.args.kwonlyargs.append(ast.arg(SINK))
    tree.args.kw_defaults.append(None)
    made = _rewrite_tree(tree, fn)
    made.endless = endless
    return made


def _parameters(tree: ast.FunctionDef) -> set[str]:
    a = tree.args
    every = [*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg]
    return {x.arg for x in every if x is not None}


def _rewrite_tree(tree: ast.FunctionDef, fn: FunctionType) -> Rewritten:
    code = fn.__code__
    tree.decorator_list, tree.returns = [], None
    a = tree.args
    nothing = constant(None)
    a.defaults = [nothing for _ in a.defaults]
    a.kw_defaults = [d and nothing for d in a.kw_defaults]
    for x in (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg):
        if x is not None:
            x.annotation = None
    params = _parameters(tree)
    inner = [k for k in walk(tree)
             if isinstance(k, ast.FunctionDef | ast.Lambda) and k is not tree]
    bound = {k.target.id for k in walk(tree) if isinstance(k, ast.NamedExpr)}
    statements = _own_statements(tree)
    for k in statements:
        if isinstance(k, ast.Global):
            raise NotRewritable("assignment to a global variable", k)
    foreign = {name for k in statements if isinstance(k, ast.Nonlocal) for name in k.names}
    shared = foreign | {name for f in inner for k in walk(f) if isinstance(k, ast.Nonlocal)
              for name in k.names}

    falls_through = not always_jumps(tree.body)
    lowering = Lowering()
    body = lowering.block(tree.body, None, [])
    analysis = Analysis(shared)
    local = analysis.stores(body) | params
    analysis.shared = shared = shared & local
    captured = {name for f in inner for name in analysis.loads(f)} & local
    analysis.knows(captured)
    analysis.live(body, {VALUE, RETURNED} | captured | shared | foreign)
    mark_unbound(body, params | foreign, local, analysis)
    rewriter = Rewriter(local, analysis, _class_name(fn), bool(code.co_flags & GENERATOR))
    body = rewriter.block(body)

    hidden = {k.id for s in body for k in walk(s) if isinstance(k, ast.Name)
              and isinstance(k.ctx, ast.Store) and k.id.startswith("_hl_")
              and k.id != "_hl_item"}
    declared = sorted(((local - params) | hidden) - foreign)
    head: list[ast.stmt] = [ast.Nonlocal(sorted(foreign))] if foreign else []
    if declared:
        head.append(ast.If(constant(False), [ast.Assign([store(v)], constant(None))
                                             for v in declared], []))
    own = sorted(((shared | bound) & local) - foreign)
    if own:
        names: list[ast.expr] = [load(v) for v in own]
        read = ast.copy_location(ast.Tuple(names, ast.Load()), tree)
        head.append(ast.Expr(call("cells_made", delayed(read))))
    if RETURNED in local:
        head.append(ast.Assign([store(RETURNED)], constant(False)))
    if VALUE in local and falls_through:
        head.append(ast.Assign([store(VALUE)], constant(None)))
    tail: list[ast.stmt] = []
    if lowering.returns:
        tail.append(ast.Return(call("returned", delayed(load(VALUE)))))
    tree.body = [*head, *body, *tail] or [ast.Pass()]
    tree.name = FUNCTION + tree.name
    return Rewritten(_compiled(tree, fn), code.co_name, tuple(sorted(foreign)))


def _own_statements(tree: ast.FunctionDef) -> list[ast.stmt]:
    """All statements of a function except those of functions and classes inside it."""
    found: list[ast.stmt] = []
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.stmt):
            found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.expr | ast.AsyncFunctionDef):
            stack.extend(children(node))
    return found


def _compiled(tree: ast.FunctionDef, fn: FunctionType) -> CodeType:
    """The code object, compiled inside a function whose parameters are the free names."""
    free = list(fn.__code__.co_freevars)
    outer = define("_hl_outer", [HELPERS, *free], [tree, ast.Return(load(tree.name))])
    scope: ast.stmt = outer
    owner = _class_name(fn)
    if owner is not None:                          # for the mangling of private names
        scope = ast.parse(f"class {owner}: pass").body[0]
        scope.body = [outer]  # type: ignore[attr-defined]
    place_at(scope, tree)
    module = ast.Module([scope], [])
    fill(module)
    code = compile(module, fn.__code__.co_filename, "exec", dont_inherit=True,
                   flags=fn.__code__.co_flags & 0x1FE0000)
    while code.co_name != tree.name:
        code = next(c for c in code.co_consts if isinstance(c, CodeType)
                    and c.co_name in (owner, "_hl_outer", tree.name))
    return _named(code, fn.__code__.co_name)


def is_helper(code: CodeType) -> bool:
    """Is it the code of a part of a user's function, which stands in a function of its own?"""
    name = code.co_qualname.rpartition(".")[2]
    return (name.startswith("_hl_") and not name.startswith(FUNCTION)
            or code.co_varnames[:1] == (DELAYED,))


def _class_name(fn: FunctionType) -> str | None:
    parts = fn.__qualname__.split(".")
    return parts[-2] if len(parts) > 1 and parts[-2].isidentifier() else None


def _named(code: CodeType, name: str) -> CodeType:
    """Helper functions bear the user's function's name in tracebacks."""
    consts = tuple(_named(c, name) if isinstance(c, CodeType) and (
        c.co_name.startswith("_hl_") or c.co_varnames[:1] == (DELAYED,)) else c
        for c in code.co_consts)
    return code.replace(co_name=name, co_consts=consts)


__all__ = ["HELPERS", "Rewritten", "rewritten"]
