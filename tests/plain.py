"""Functions whose `assert`s pytest must not rewrite: it rewrites those of test modules."""


def refuse(x):
    if x > 1:
        raise ValueError("too big")
    assert x >= 0, "negative"
    return x
