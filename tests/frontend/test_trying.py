"""try around code that may raise at run time: handlers, else, finally, in and around loops."""

import math
from fractions import Fraction

import numpy as np
import pytest
from compare import check

import hotloop

CASES = []


def case(*inputs):
    """Each of the inputs is a tuple of arguments; the first compiles."""
    def add(f):
        CASES.append(pytest.param(f, inputs, id=f.__name__))
        return f
    return add


@case((6, 3), (6, 0))
def division(a, b):
    try:
        q = a // b
    except ZeroDivisionError:
        q = -1
    return q


@case((6, 3), (6, 0))
def orelse_and_finally(a, b):
    log = 0
    try:
        q = a // b
    except ZeroDivisionError:
        q = -1
        log += 1
    else:
        log += 10
    finally:
        log += 100
    return q, log


@case((np.arange(5.0), 3), (np.arange(5.0), 7), (np.arange(5.0), -9))
def index_of_array(x, i):
    try:
        return x[i]
    except IndexError:
        return np.float64(-1.0)


@case((np.array([1, 2, 0, 4]),), (np.array([1, 2, 3]),))
def inside_a_loop(x):
    bad = 0
    s = 0
    for v in x:
        try:
            s += 100 // int(v)
        except ZeroDivisionError:
            bad += 1
    return s, bad


@case((np.array([1, 2, 0, 4]),), (np.array([1, 2, 3]),))
def around_a_loop(x):
    s = 0
    try:
        for v in x:
            s += 100 // int(v)
    except ZeroDivisionError:
        return -s
    return s


@case((5,), (-1,), (200,))
def raised(n):
    try:
        if n < 0:
            raise ValueError("negative")
        if n > 100:
            raise OverflowError(f"too big: {n}")
        r = n * 2
    except ValueError as e:
        r = -1 if str(e) == "negative" else 0
    return r


@case((1, 0), (2, 1), (-3, 1), (4, 2))
def nested(a, b):
    r = 0
    try:
        try:
            r = a // b
            if a < 0:
                raise KeyError("x")
        except ZeroDivisionError:
            r = -5
            if b == 0 and a > 0:
                raise ValueError("inner") from None
        r += 1000
    except ValueError:
        r += 1
    except KeyError:
        r += 2
    return r


@case((3,), (0,))
def raised_again(n):
    try:
        return 10 // n
    except ZeroDivisionError:
        raise


@case((3,), (0,))
def raised_from(n):
    try:
        return 10 // n
    except ZeroDivisionError as e:
        raise ValueError("bad input") from e


class MyError(Exception):
    pass


class Other(MyError):
    pass


@case((3,), (0,), (-2,))
def classes_of_ones_own(n):
    try:
        if n == 0:
            raise Other("zero")
        if n < 0:
            raise MyError("neg")
        return 1
    except Other:
        return 2
    except MyError:
        return 3


@case((np.array([3, 1, 0, 2, 5]),), (np.array([1, 1]),))
def jumps(x):
    out = []
    for v in x:
        try:
            if v == 2:
                break
            if v == 1:
                continue
            out.append(10 // int(v))
        except ZeroDivisionError:
            out.append(-1)
        finally:
            out.append(99)
    return out


def total_of_inverses(x, i):
    if i < 0:
        raise ValueError("neg")
    s = 0.0
    for k in range(i):
        s += 1 / x[k]
    return s


@case((np.array([1.0, 2.0, 4.0]), 2), (np.array([1.0, 2.0, 4.0]), 5),
      (np.array([1.0, 2.0, 4.0]), -1))
def through_calls(x, i):
    try:
        y = total_of_inverses(x, i)
    except (ValueError, IndexError):
        y = -1.0
    return y


@case((np.arange(4.0), 2), (np.arange(4.0), 6))
def stores_before_stay(x, n):
    try:
        for i in range(n):
            x[i] = 7.0
    except IndexError:
        pass
    return x


@case((2,), (0,))
def text_of_the_error(n):
    try:
        return 1 // n
    except ZeroDivisionError as e:
        return str(e)


@case((2,), (9,))
def text_with_values(n):
    try:
        if n > 5:
            raise ValueError(f"bad {n}")
    except ValueError as e:
        raise RuntimeError(f"seen: {e}")  # noqa: B904
    return n


@case((2,), (0,))
def not_handled(n):
    try:
        return 1 // n
    except ValueError:
        return 7


@case((2,), (0,))
def only_finally(n):
    s = [0]
    try:
        s[0] = 1 // n
    finally:
        s.append(5)
    return s


@case((4,), (0,))
def while_test(n):
    i = 5
    try:
        while 12 // n > 0 and i > 0:
            n -= 1
            i -= 1
    except ZeroDivisionError:
        return -i
    return i


@case((1.5,), (-1.5,))
def domain_error(x):
    try:
        return math.sqrt(x)
    except ValueError:
        return -1.0


@case((3,), (10,))
def assertion(n):
    try:
        assert n < 5, "big"
        ok = True
    except AssertionError:
        ok = False
    return ok


@case((3,), (10,))
def everything(n):
    x = [1, 2, 3, 4, 5]
    try:
        return x[n]
    except:  # noqa: E722
        return None


@case((np.array([4.0, 0.0, 2.0]),))
def newton_with_try(x):
    out = []
    for a in x:
        t = float(a)
        try:
            for _ in range(20):
                t = t - (t * t - float(a)) / (2 * t)
        except ZeroDivisionError:
            t = 0.0
        out.append(t)
    return out


@case((3,), (0,), (-1,))
def handler_that_fails(n):
    try:
        try:
            return 6 // n
        except ZeroDivisionError:
            return [1, 2][n - 5]
        finally:
            n += 1
            if n == 0:
                raise KeyError("in finally")
    except IndexError:
        return -7
    except KeyError:
        return -8


@case((np.arange(6), 3), (np.arange(6), 9))
def loops_end_at_the_error(x, n):
    seen = 0
    try:
        for i in range(n):
            for j in range(3):
                seen += int(x[i + j])
    except IndexError:
        seen = -seen
    return seen


@case((5,), (1,))
def lists_in_try(n):
    out = []
    try:
        for k in range(n, -3, -1):
            out.append(12 // k)
    except ZeroDivisionError:
        out.append(0)
    else:
        out.append(1)
    return out


@pytest.mark.parametrize("f, inputs", CASES)
def test_as_python(f, inputs):
    jitted = hotloop.jit(f, cache=False)
    for args in inputs:
        check(f, *args, jitted=jitted)


class NoMoney(Exception):
    def __init__(self, need, have, why="short"):
        super().__init__(f"need {need}, have {have}")
        self.need, self.have, self.why = need, have, why


def withdrawn(x):
    if x > 3:
        raise NoMoney(x, 3)
    return x


def missing(xs):
    total = 0.0
    for x in xs:
        try:
            if x > 2:
                raise NoMoney(x, 2)
            total += x
        except NoMoney as e:
            total -= e.need - e.have
            if e.why == "short":
                total += 100
    return total


def first_need(xs):
    try:
        for x in xs:
            if x < 0:
                raise NoMoney(x, 5, "neg")
    except NoMoney as e:
        return e.need
    return None


def test_exceptions_have_their_attributes():
    check(withdrawn, 1)
    check(missing, [1.0, 2.0, 3.0])
    check(missing, np.arange(5.0))
    check(first_need, np.array([1.0, -2.0]))
    jitted = check(withdrawn, 5)
    with pytest.raises(NoMoney) as raised:
        jitted(5)
    assert vars(raised.value) == {"need": 5, "have": 3, "why": "short"}
    assert type(raised.value.need) is int


def harmonic(n):
    return sum(Fraction(1, k) for k in range(1, n))


def test_what_a_library_says_of_tracers_is_no_error_of_the_users():
    with pytest.raises(hotloop.errors.UnsupportedError, match="module fractions on run-time"):
        hotloop.jit(harmonic)(5)


def bound_on_every_path(xs):
    total = 0.0
    for v in xs:
        try:
            r = 1 / v
        except ZeroDivisionError:
            r = 7.0
        total += r
    return total


def bound_in_else(xs):
    total = 0.0
    for v in xs:
        try:
            try:
                r = 1 / v
                if v > 5:
                    z = 1
            except ZeroDivisionError:
                r, z = 7.0, 5
            else:
                total += r
            w = r + 1
        finally:
            total += 1
        total += r + w
    return total + z


def bound_before_finally(x, y):
    try:
        r = math.sqrt(x) / y
    except ValueError:
        r = -1.0
    except ZeroDivisionError:
        r = -2.0
    finally:
        s = 3
    return r + s


def test_names_that_a_try_statement_binds_on_every_path():
    check(bound_on_every_path, [1.0, 0.0, 2.0])
    jitted = check(bound_in_else, [1.0, 0.0])
    check(bound_in_else, [1.0, 7.0], jitted=jitted)
    check(bound_in_else, [1.0, 2.0], jitted=jitted)        # z is not bound
    for x, y in ((1.0, 2.0), (-1.0, 2.0), (1.0, 0.0)):
        check(bound_before_finally, x, y)
