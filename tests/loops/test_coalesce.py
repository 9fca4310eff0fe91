"""A temporary that is copied into a result is the result."""

import numpy as np
import pytest
from meaning import shapes, transformed

from hotloop.loops.coalesce import coalesce


def kernel_with(before="", after="", results="r", copy="r[j] <- b[j]", extent="n"):
    return f"""
        kernel f
          a: f64[n] inout
          body
            alloc b: f64[n]
            nest i in n
              b[i] <- mul(a[i], 2.0)
            for k in 0..3 step 1
              b[0] <- add(b[0], 1.0)
            alloc r: f64[n] result 0
            {before}
            nest j in {extent}
              {copy}
            {after}
          results {results}
    """


@pytest.mark.parametrize(("options", "merged"), [
    ({}, True),
    ({"after": "a[0] <- b[1]"}, True),
    ({"results": "r, b[0]"}, True),
    ({"after": "b[0] <- 5.0"}, False),
    ({"after": "r[0] <- 5.0"}, True),
    ({"after": "r[0] <- 5.0\n            a[0] <- b[0]"}, False),
    ({"after": "r[0] <- 5.0", "results": "r, b[0]"}, False),
    ({"before": "r[0] <- 5.0"}, False),
    ({"copy": "r[j] <- b[(-1*j + n + -1)]"}, False),
    ({"extent": "(n + -1)", "after": "r[(n + -1)] <- 0.0"}, False),
])
def test_coalesce(options, merged):
    kernel = transformed(kernel_with(**options), [coalesce], np.arange(1.0, 4.0))
    assert ("b" not in shapes(kernel)) == merged
