"""What running other people's programs showed to be wrong, each as small as it gets."""

import numpy as np
import pytest
from compare import check

M = np.arange(20.0).reshape(4, 5)


def product_into(a, b, out):
    out[:, :] = np.matmul(a, b)


@pytest.mark.parametrize("orders", ["CCF", "CFF", "FCF", "FFF", "FFC"])
def test_a_product_into_memory_of_another_order(orders):
    shapes = (4, 3), (3, 5), (4, 5)
    check(product_into, *[np.asarray(np.arange(np.prod(s)).reshape(s), float, order=o)
                          for s, o in zip(shapes, orders, strict=True)])


def identities(a, b):
    return a is b, a is not b


@pytest.mark.parametrize("a", [True, False])
@pytest.mark.parametrize("b", [True, False])
def test_bools_have_an_identity(a, b):
    check(identities, a, b)


def tuples_among_indices(x, i):
    return x[(0, 1, 3), 1:], x[(0, 1, 1), i], x[(0, 1), (1, 2)]


def test_a_tuple_in_an_index_is_an_array():
    check(tuples_among_indices, M, 1)
