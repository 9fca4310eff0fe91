"""What running other people's programs showed to be wrong, each as small as it gets."""

import cmath
import enum
from pathlib import Path

import numpy as np
import pytest
from compare import check

import hotloop
from hotloop.loops.scalar import SCALAR_OPS

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


def common_prefix(a, b):
    k = 0
    while a[k] == b[k]:
        k += 1
        if k >= len(a) or k >= len(b):
            return a[:k]
    return a[:k]


def test_the_test_of_a_loop_that_has_returned_is_not_evaluated():
    check(common_prefix, "flow", "flower")
    check(common_prefix, "flow", "flat")
    check(common_prefix, np.arange(4), np.arange(5))


def test_what_fails_while_tracing_runs_as_python():
    f = hotloop.jit(lambda x: {float: "float"}[x.__class__])
    assert f(1.5) == "float"
    assert f.cache_info().calls["python: it raises an exception"] == 1


def test_what_tracing_met_is_shown(capsys, monkeypatch):
    monkeypatch.setattr(hotloop.config, "debug", 1)
    hotloop.jit(lambda x: {float: "real"}[x.__class__])(1.5)
    assert "KeyError" in capsys.readouterr().err


def test_a_function_that_always_fails_raises_at_its_own_line():
    f = hotloop.jit(lambda x: len(3) + x)
    for _ in range(3):
        with pytest.raises(TypeError, match="object of type 'int' has no len") as info:
            f(1.0)
        assert info.traceback[-1].path == Path(__file__)


def zipped_with_an_iterator(n):
    rest = iter((1, 2, 3, 4, 5))
    front = list(zip(range(2), rest))
    return front, list(rest), n


def test_zip_takes_no_item_too_many():
    check(zipped_with_an_iterator, 1)


def multiplied_in_place(a, b):
    a @= b
    return a


@pytest.mark.parametrize("shapes", [((2,), (2,)), ((2,), (2, 2)), ((3, 2), (2, 2)), ((2, 2), (2,))])
def test_matrix_products_in_place(shapes):
    check(multiplied_in_place, *map(np.ones, shapes))


def test_the_class_of_what_can_not_be_an_input_is_not_guessed():
    with pytest.raises(hotloop.errors.UnsupportedError, match="class set as an input"):
        hotloop.jit(lambda x: isinstance(x, set))({3})


CORNERS = [complex(a, b) for a in (0.0, -0.0, 1.0, -2.0, np.inf, -np.inf, 710.0)
           for b in (0.0, -0.0, 1.0, np.inf, -np.inf)]


def corner(z):
    """NaNs have no sign, and the parts beside an infinite or a NaN part none that C99 tells."""
    parts = z.real, z.imag
    free = not all(map(np.isfinite, parts))
    return tuple(-1.0 if np.isnan(p) else abs(p) if free else p for p in parts)


@pytest.mark.parametrize("name", ["exp", "sqrt", "sin", "cos", "sinh", "cosh", "reciprocal"])
@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_complex_functions_at_the_corners(name, dtype):
    function = getattr(np, name)
    z = np.array(CORNERS, dtype)
    with np.errstate(all="ignore"):
        wanted, found = function(z), hotloop.jit(function)(z)
    for at, a, b in zip(z, found.tolist(), wanted.tolist(), strict=True):
        assert corner(a) == pytest.approx(corner(b), rel=1e-5), at


@pytest.mark.parametrize("function", [cmath.exp, cmath.sqrt, cmath.sin, cmath.cosh, cmath.log])
def test_errors_of_cmath(function):
    compiled = hotloop.jit(lambda z: function(z))
    for z in CORNERS:
        try:
            wanted = function(z)
        except (ValueError, OverflowError) as error:
            with pytest.raises(type(error), match=str(error)):
                compiled(z)
        else:
            assert corner(compiled(z)) == pytest.approx(corner(wanted), rel=1e-14)


def enumerated(a):
    out = np.zeros_like(a)
    for at, x in np.ndenumerate(a[..., 0]):
        out[at][0] = x
    total = 0.0
    for (i, j), x in np.ndenumerate(a):
        total += i * x - j
    return out, total


def indexed(a, n):
    out = np.empty_like(a)
    for at in np.ndindex(a.shape):
        out[at] = a[at] * 2
    return out, sum(10 * i + j for i, j in np.ndindex(n, 3))


@pytest.mark.parametrize("shape", [(3, 4), (1, 3), (3, 1)])
def test_iterators_of_indices(shape):
    check(enumerated, np.random.default_rng(0).random(shape))
    check(indexed, np.ones(shape), 2)


def test_numpys_classes_do_not_take_run_time_values_for_objects():
    with pytest.raises(hotloop.errors.UnsupportedError, match="object of class broadcast"):
        hotloop.jit(lambda x: np.broadcast(x, x).shape)(np.ones(3))


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def test_enumerations_are_python_numbers():
    check(lambda x: (x + Level.HIGH, x * 2 if Level.LOW == 1 else x), 300)


def stored(x, v):
    x[:3] = v


@pytest.mark.parametrize("x, v", [(5, 2), ((5, 5), (2, 5)), (5, (2, 5)), ((5, 5), (3, 1, 1))])
def test_messages_of_stores_show_the_shapes(x, v):
    check(stored, np.zeros(x), np.ones(v))


def ordered(x, k):
    return (np.argsort(x), x.argsort(kind="stable"), np.partition(x, k), np.argpartition(x, (1, k)),
            np.unique(x, return_index=True))


def test_the_order_of_equal_elements_is_numpys():
    check(ordered, np.random.default_rng(0).integers(0, 9, 200), 5)


def test_the_derivative_of_a_partition():
    w = np.arange(20.0)
    x = np.random.default_rng(0).random(20)
    gradient = hotloop.grad(lambda x: (np.partition(x, 5) * w).sum())(x)
    for k in range(20):
        up, down = x.copy(), x.copy()
        up[k] += 1e-7
        down[k] -= 1e-7
        change = ((np.partition(up, 5) - np.partition(down, 5)) * w).sum() / 2e-7
        assert gradient[k] == pytest.approx(change, abs=1e-6)


def distinct(x):
    found = set()
    found.add((x[0], x[1]))
    found.add((x[0], x[2]))
    return len(found)


def test_run_time_values_do_not_hide_in_sets():
    check(distinct, [1, 2, 2])
    check(distinct, [1, 2, 3])


class Bits(enum.IntFlag):
    A = 1
    B = 2


def test_flags_are_not_taken_for_plain_numbers():
    check(lambda n: (n & Bits.B.value, n + Bits.B), 3)
    with pytest.raises(hotloop.errors.UnsupportedError, match="flags of an enumeration"):
        hotloop.jit(lambda n: n & Bits.B)(3)


def products(x, y, out):
    np.vecdot(x, y, axis=1, out=out)
    return np.matmul(x, y, axes=[(0, 1), (1, 0), (0, 1)])


@pytest.mark.skipif(not hasattr(np, "vecdot"), reason="new in NumPy 2.1")
def test_no_argument_of_a_product_is_ignored():
    x = np.random.default_rng(0).random((2, 4, 4))
    check(products, x[0], x[1], np.zeros(4))


def ranges(a, b):
    return (np.arange(a, stop=b), np.arange(start=a, stop=b, step=2, dtype=np.int32),
            np.arange(b, step=3), np.arange(a, b), np.arange(np.float32(b)))


@pytest.mark.parametrize("kind", [int, np.int8, np.float32])
def test_ranges_by_name(kind):
    check(ranges, kind(-1), kind(5))


def is_nothing(x):
    a = None
    if x:
        a = 0
    return a == None, a != None, None == a       # noqa: E711


def test_equal_to_none():
    for x in (True, False):
        check(is_nothing, x)


@pytest.mark.parametrize("made", [lambda x: map(abs, [x, x]), lambda x: (y for y in [x])])
def test_stand_ins_do_not_leak(made):
    with pytest.raises(hotloop.errors.UnsupportedError):
        hotloop.jit(lambda x: made(x))(3)


@pytest.mark.parametrize("made", [
    lambda x: str((x[0], 2)), lambda x: f"{[x[0]]}", lambda x: {str(x.sum()): 1}])
def test_stand_ins_do_not_leak_as_text(made):
    check(made, np.ones(2))


def test_arrays_are_no_text():
    with pytest.raises(hotloop.errors.UnsupportedError, match="as text"):
        hotloop.jit(lambda x: repr(x))(np.ones(2))


def named_by_numbers(n, x):
    table = {f"{k}-{n}": k for k in range(4)}
    return table["3-" + str(n)], table[f"{2}-{n}"], str(x.shape), repr([n, (n, x.shape)])


def test_numbers_among_the_arguments_as_text():
    f = check(named_by_numbers, 3, np.ones((2, 3)))
    check(named_by_numbers, 4, np.ones((5, 3)), jitted=f)


def refused_shape(x, way):
    if way == 0:
        raise ValueError("bad %s" % (x.shape,))                         # noqa: UP031
    if way == 1:
        raise ValueError(f"bad {[x.shape[0], x[0, 0], x[0, 0] > 0]}")
    if way == 2:
        raise ValueError("bad {!r}".format((x.shape, float(x[0, 0]), "s")))
    raise ValueError("bad", x.shape, x[0, 0])


@pytest.mark.parametrize("way", range(4))
@pytest.mark.parametrize("dtype", [np.float64, np.int32, np.float32])
def test_messages_with_tuples_and_lists(way, dtype):
    check(refused_shape, np.ones((2, 3), dtype), way)


def changed_after_a_branch(p, c):
    q = p
    if c:
        q = [3, 4]
    q[0] = 9
    return p, q


def changed_under_another_name(c):
    p, q = [1, 2], [3, 4]
    if c:
        q = p
    p.append(9)
    return q


def chosen_changed(c):
    p, q = [1, 2], [3, 4]
    r = p if c else q
    r.append(9)
    return p


def best_of(n):
    best = [0, 0]
    for i in range(n):
        if i * 7 % 5 > best[0]:
            best = [i * 7 % 5, i]
    return best


def test_a_list_that_is_one_of_two_is_not_changed():
    for f, args in ((changed_after_a_branch, ([1, 2], False)), (changed_under_another_name, (1,)),
                    (chosen_changed, (1,))):
        with pytest.raises(hotloop.errors.UnsupportedError, match="may be the same was changed"):
            hotloop.jit(f)(*args)
    check(best_of, 6)


V, W = np.arange(6), np.array([[0.0, 0.5], [0.0, 1.0]])
CUBE = np.arange(12.0).reshape(2, 2, 3)


@pytest.mark.parametrize("function, args", [
    (lambda a, b: (np.array_equal(a, b), np.array_equal(a, a.copy())), (M, M[:, :2])),
    (lambda a, b: np.array_equal(a[:len(b)], b), (M[0], M[0, :2])),
    (lambda a: (a.flatten("f"), a.ravel("F"), a.T.ravel("K"), a.T.ravel("A"), a.ravel("k")), (M,)),
    (lambda a: np.correlate(a[:0], a), (M[0],)),
    (lambda a: np.clip(a, 2), (V,)),
    (lambda a: np.clip(a, 2, 3, max=3), (V,)),
    (lambda a, low: np.clip(a, low, 2**40), (V.astype(np.int32), -2**33)),
    (lambda a: np.var(a, ddof=1, correction=0), (V,)),
    (lambda a: (a.any() is np.True_, (a[0] > 1) is np.False_, a.any() is True), (V,)),
    (lambda a: 3 in a, (V,)),
    (lambda a: np.choose(a, (1000, np.array([1], np.uint8))), (np.array([0]),)),
    (lambda a: np.resize(a[:0], (2, 3)), (V,)),
    (lambda a: np.resize(a, (-2, 3)), (V,)),
    (lambda a: np.put(a, 1, 1, mode="clip"), (np.zeros(0),)),
    (lambda a, w: np.average(a, axis=(1, 0), weights=w), (CUBE, W)),
    (lambda a: np.cov(a, ddof=0, rowvar=False), (np.ones((1, 3)),)),
    (lambda f, x: np.gradient(f, x), (np.array([-1.0, 127.0]), np.array([1, 3]))),
    (lambda a: np.bincount([], minlength=3), (V,)),
    (lambda a: a[np.ix_([])], (V,)),
    (lambda a: np.unravel_index(a, (5, 8)), (V.astype(np.int16),)),
    (lambda a, b: np.setdiff1d(a, b, assume_unique=True), (np.array([3, 2, 1]), np.array([7, 2]))),
    (lambda a, b: np.intersect1d(a, b), (np.array([3, 2, 1]), np.array([7.0, 2]))),
    (lambda a, b: np.histogram(a, 4, weights=b), (np.array([3, 2, 1]), np.array([7, 5, 2]))),
    (lambda a: np.pad(a[:0], 4, mode="edge"), (W,)),
    (lambda a, n: np.pad(a, ((0, 0), (n, n)), mode="edge"), (np.zeros((0, 3)), 2)),
    (lambda a: np.diag_indices_from(a), (V,)),
    (lambda a: np.trim_zeros(a, "bf"), (V,)),
    (lambda a: np.cross(a[:, :3], a[:, 1:]), (M[:, :4],)),
    (lambda a, b: np.convolve(a, b, "f"), (M[0], M[1])),
    (lambda a, b: np.isclose(a, b, 0.49999999, 0), (np.array(1.0, np.float32), 2)),
    (lambda a, b: np.put(a, b, []), (V, [1, 2]))])
def test_what_numpys_own_tests_know(function, args):
    check(function, *args)


@pytest.mark.parametrize("made", [np.random.default_rng, np.poly1d, np.ndindex])
def test_objects_of_libraries_are_no_results(made):
    with pytest.raises(hotloop.errors.UnsupportedError, match="as a result"):
        hotloop.jit(lambda: made(3))()


def stores_to_one_of(arrays, n):
    for p in range(n):
        k = p % 2
        for i in range(arrays[k].shape[0]):
            arrays[k][i, 0] = p + i
            arrays[k][i] += arrays[1 - k][0, 0]
    return arrays[0].sum()


@pytest.mark.parametrize("kind", [tuple, list])
def test_a_sequence_of_arrays_at_a_run_time_index_is_one_of_them(kind):
    check(stores_to_one_of, kind((np.ones((3, 4)), np.ones((2, 5)))), 5)


def turns(a, b, n):
    both = [a, b]
    for t in range(n):
        old, new = both[t % 2], both[(t + 1) % 2]
        new[1:-1] = 0.5 * (old[2:] + old[:-2])
    return both[n % 2]


def test_two_buffers_in_turn():
    check(turns, np.arange(8.0), np.zeros(8), 5)


def items_in_turn(arrays, n, k):
    total = 0.0
    for p in range(n):
        total += arrays[k][p % arrays[k].shape[0]] * arrays[-1][0]
        k = (k + 1) % len(arrays)
    return total


@pytest.mark.parametrize("k", [1, -2, 5])
def test_arrays_of_several_sizes_at_a_run_time_index(k):
    check(items_in_turn, (np.ones(3), np.arange(4.0), np.arange(5.0)), 7, k)


def binomial(n, k):
    value = 1
    for j in range(1, min(k, n - k) + 1):
        value = value * (n + 1 - j) // j
    return value


def test_a_range_of_a_number_of_two_kinds():
    check(binomial, np.int64(9), 3)
    check(binomial, np.int64(9), 8)


def test_slices_as_results():
    check(lambda n: (slice(n, n + 1), [slice(None)] * n, np.s_[n:, ::2, n]), 2)


def distance(m, q, s, constant):
    if np.isinf(q):
        d = np.inf
    elif constant:
        d = m
    else:
        d = np.abs(2 * m * (1 - q * s))
    return d


def distances(m, queries, constant):
    found = np.empty(len(queries))
    for i in range(len(queries)):
        found[i] = distance(m, queries[i], 0.5, constant[i])
    return found


def test_numbers_of_three_types_are_stored():
    check(distances, 3, np.array([0.0, np.inf, 2.0, 5.0]), np.array([True, True, False, False]))


def of_two_kinds(p, q, first, second):
    a = first[0] if p else first[1]
    b = second[0] if q else second[1]
    return a * b, a + b, a / b, np.add(a, b), np.maximum(a, b), np.sqrt(a) * np.sqrt(b), a < b


KINDS = [(True, np.uint8(7)), (2.5, np.float32(1.5)), (np.uint8(7), np.float32(1.5)),
         (np.uint8(7), np.int64(5)), (True, 3), (3, np.float64(2.25))]


@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS[1:4])
def test_arithmetic_of_two_numbers_of_two_kinds_each(first, second):
    f = None
    for p, q in ((True, True), (False, True), (True, False)):
        f = check(of_two_kinds, p, q, first, second, jitted=f)


def least(x, start):
    m = start
    for v in x:
        m = min(m, v)
    return m


def blended(x, p):
    s = p * 0.1
    for i in range(len(x)):
        for j in range(3):
            s = s * 0.5 + x[i] * j
        if s > 2:
            s = 0.3
    return s, s * 2


@pytest.mark.parametrize("dtype", ["float32", "int8", "float64"])
def test_starting_values_that_the_array_does_not_hold(dtype):
    for x in (np.arange(3), np.zeros(0)):
        check(lambda x: least(x, 1e30), x.astype(dtype))
        check(least, x.astype(dtype), 1000)
        check(blended, x.astype(dtype), 0.7)
        check(lambda x: 0.1 if len(x) else x.sum(), x.astype(dtype))


def added_in_place(x, y):
    x += y
    return x


def added_into(x, y, out):
    np.add(x, y, out=out)


@pytest.mark.parametrize("shapes", [((2, 3), (2, 2)), ((3,), (2,)), ((3,), (2, 3)),
                                    ((2, 3), (2, 3), (2, 2)), ((2, 3), (2, 2), (2, 2))])
def test_messages_of_shapes_show_the_output(shapes):
    check(added_in_place if len(shapes) == 2 else added_into, *map(np.ones, shapes))


def rounded(x, digits):
    return [round(n, digits) for n in range(-60, 60, 5)], round(x, digits)


@pytest.mark.parametrize("digits", [-30, -2, -1, 0, 2])
def test_round_to_a_number_of_digits(digits):
    check(rounded, 271.828, digits)
    check(rounded, 45, digits)


def powers_of_constants(x):
    return 10.0 ** x, 3.0 ** x, np.power(7.0, x), np.logspace(0, 6, 7, dtype="int32")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_powers_of_a_constant_are_exact_where_they_can_be(dtype):
    x = np.arange(9, dtype=dtype)
    for a, b in zip(hotloop.jit(powers_of_constants)(x), powers_of_constants(x), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_folded_fma_is_rounded_once():
    fma = SCALAR_OPS["fma"].evaluate
    third = np.float64(1 / 3)
    assert fma(third, np.float64(3.0), np.float64(-1.0)) == -2.0**-54
    assert fma(np.float64(1e308), np.float64(10.0), np.float64(-1e308)) == np.inf
    assert fma(np.float32(1 / 3), np.float32(3), np.float32(-1)).dtype == np.float32


@pytest.mark.parametrize("made", [lambda: np.geomspace(-1, 1, 3, dtype=complex),
                                  lambda: np.logspace(0, 1, 3, base=np.arange(2.0, 5.0))])
def test_spaces_of_rare_arguments(made):
    check(made)


@pytest.mark.parametrize("p", [None, -2, 1, "fro"])
def test_condition_numbers_of_stacks_and_of_singular_matrices(p):
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    for x in (a, np.stack([a, a + 1]), np.zeros((2, 2)), a + 0j, np.ones((0, 2))):
        check(lambda x: np.linalg.cond(x, p), x)
