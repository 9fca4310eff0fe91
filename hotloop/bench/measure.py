"""`timed` and `metric`: decorators that record what each call of a function took and gave.

Standard library only, and importable on its own: rivals' interpreters that lack hotloop run it too.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Record:
    """One call: its arguments, the seconds of each repetition, and the metrics of its value.

    `first` is the very first call's time when this was it (compilation included), else None.
    """
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    value: Any = None
    seconds: list[float] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    first: float | None = None

    @property
    def best(self) -> float:
        return min(self.seconds)

    @property
    def median(self) -> float:
        ordered = sorted(self.seconds)
        middle = len(ordered) // 2
        if len(ordered) % 2:
            return ordered[middle]
        return (ordered[middle - 1] + ordered[middle]) / 2


class Measured:
    """A function with its records; called like the function, gives the function's value."""

    def __init__(self, function: Callable[..., Any]):
        functools.update_wrapper(self, function)
        self.function = function
        self.repeat = 1
        self.at_least = 0.0
        self.separate_first = False
        self.wait: Callable[[Any], Any] = lambda value: value
        self.measures: dict[str, Callable[[Any], float]] = {}
        self.records: list[Record] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        record = Record(args, kwargs)
        if self.separate_first:
            start = time.perf_counter()
            record.value = self.wait(self.function(*args, **kwargs))
            record.first = time.perf_counter() - start
        total = 0.0
        while len(record.seconds) < self.repeat or total < self.at_least:
            start = time.perf_counter()
            record.value = self.wait(self.function(*args, **kwargs))
            record.seconds.append(time.perf_counter() - start)
            total += record.seconds[-1]
        record.metrics = {name: float(f(record.value)) for name, f in self.measures.items()}
        self.records.append(record)
        return record.value


def _measured(function: Callable[..., Any]) -> Measured:
    return function if isinstance(function, Measured) else Measured(function)


def timed(function: Callable[..., Any] | None = None, *, repeat: int = 1, at_least: float = 0.0,
          separate_first: bool = False, wait: Callable[[Any], Any] | None = None) -> Any:
    """Record the wall time of calls, in seconds.

    repeat          how often each call is repeated
    at_least        go on repeating until the repetitions took this many seconds in all
    separate_first  call once more, before, and keep that time apart (`Record.first`): it holds
                    whatever is compiled on the way
    wait            applied to the value inside the timed part, e.g. to wait for a device
    """
    def decorate(f: Callable[..., Any]) -> Measured:
        measured = _measured(f)
        measured.repeat, measured.at_least = repeat, at_least
        measured.separate_first = separate_first
        if wait is not None:
            measured.wait = wait
        return measured
    return decorate if function is None else decorate(function)


def metric(name: str, measure: Callable[[Any], float]) -> Callable[[Callable[..., Any]], Measured]:
    """Record `measure(value)` of each call under `name`, e.g. the distance to a known result."""
    def decorate(f: Callable[..., Any]) -> Measured:
        measured = _measured(f)
        measured.measures[name] = measure
        return measured
    return decorate
