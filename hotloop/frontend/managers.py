"""with statements: how a body runs inside of a context manager.

    with np.errstate(all="ignore"): ...      what matters to NumPy's warnings only: as it is
    with suppress(ZeroDivisionError): ...    a try statement whose handler does nothing
    with account.locked() as a: ...          __enter__ and __exit__ of the user's are traced, and
                                             __exit__ is the handler of a try around the body
    @contextmanager                          the body stands in the place of the `yield`
    def scaled(x): ...
"""

from __future__ import annotations

import contextlib
import types
from collections.abc import Callable, Sequence
from typing import Any

from hotloop.frontend.branches import staged_if
from hotloop.frontend.builder import current, unsupported
from hotloop.frontend.calls import function
from hotloop.frontend.loop import Loop
from hotloop.frontend.objects import cells_of
from hotloop.frontend.rewrite import rewritten_manager
from hotloop.frontend.sequences import body_sink, inner_sink
from hotloop.frontend.tracers import Scalar, value
from hotloop.frontend.truth import truth
from hotloop.frontend.trying import reraise, try_

Names = Sequence[str]


class Call:
    """A call of a function that contextlib.contextmanager made of a generator function."""

    def __init__(self, generator: types.FunctionType, /, *args: Any, **kwargs: Any):
        self.generator, self.args, self.kwargs = generator, args, kwargs

    def result_tree(self, results: Any) -> Any:
        raise unsupported("a context manager as a result")

    def run(self, body: Callable[[Any], Any], live: Names, dead: Names) -> None:
        session = current().state.session
        made = session.bound_to(self.generator, rewritten_manager(self.generator))
        sink = body_sink(Loop((), None, body, tuple(live), (), tuple(dead), None))
        made(*self.args, **self.kwargs, _hl_sink=inner_sink(sink))


def with_(manager: Any, body: Callable[[Any], Any], live: Names, dead: Names) -> None:
    """The helper behind a with statement; `body` takes what `as` binds."""
    kind = getattr(type(manager), "_hl_class", type(manager))
    if kind.__module__.split(".")[0] in ("numpy", "warnings") or (
            kind is contextlib.nullcontext):
        with manager as value_of:
            body(value_of)
    elif kind is contextlib.suppress:
        try_(_with(body, None), [(lambda: manager._exceptions, _nothing, None)], None, None, live,
             dead)
    elif kind is Call:
        manager.run(body, live, dead)
    elif isinstance(getattr(kind, "__enter__", None), types.FunctionType) and isinstance(
            getattr(kind, "__exit__", None), types.FunctionType):
        _traced(manager, body, live, dead)
    else:
        raise unsupported(f"a with statement on a {kind.__name__}",
                          "use it outside of the compiled function")


def _nothing() -> None:
    pass


def _with(body: Callable[[Any], Any], given: Any) -> Callable[[], Any]:
    """The body without its parameter; its names are still those that `cells_of` finds."""
    assert isinstance(body, types.FunctionType)
    return types.FunctionType(body.__code__, body.__globals__, body.__name__, (given,),
                              body.__closure__)


def _traced(manager: Any, body: Callable[[Any], Any], live: Names, dead: Names) -> None:
    """A context manager of the user's."""
    given = function(manager.__enter__)()
    leave = function(manager.__exit__)
    inside = _with(body, given)
    _hl_error: Any = None                     # bound by `try_`

    def failed() -> None:
        handled = truth(leave(type(_hl_error), _hl_error, None))
        if isinstance(handled, Scalar):
            staged_if(value(handled), (_nothing, reraise), cells_of(inside), [*live], [*dead])
        elif not handled:
            reraise()
    try_(inside, [(None, failed, "_hl_error")], lambda: leave(None, None, None), None, live, dead)
