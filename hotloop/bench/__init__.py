"""Benchmarks: two decorators for measuring, and the experiments behind `hotloop bench`.

    >>> import math
    >>> from hotloop.bench import metric, timed
    >>> @timed(repeat=3)
    ... @metric("error", lambda value: abs(value - math.pi))
    ... def leibniz(n):
    ...     return 4 * sum((-1) ** k / (2 * k + 1) for k in range(n))
    >>> round(leibniz(100), 2)
    3.13
    >>> record = leibniz.records[-1]
    >>> len(record.seconds), round(record.metrics["error"], 2)
    (3, 0.01)
"""

from hotloop.bench.measure import Measured, Record, metric, timed

__all__ = ["Measured", "Record", "metric", "timed"]
