"""Sizes that libraries are told stay what they are in each iteration."""

import numpy as np
from compare import check


def test_a_size_that_changes_once_is_carried_for_a_library_call():
    def recurrence(w, xs):
        h = np.zeros(4)
        for x in xs:
            h = np.tanh(w @ h + x)
        return h

    rng = np.random.default_rng(0)
    check(recurrence, rng.normal(size=(4, 4)), rng.normal(size=(5, 4)))
    check(recurrence, rng.normal(size=(4, 4)), rng.normal(size=(0, 4)))
