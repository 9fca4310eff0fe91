"""Lowering keeps the meaning: a Program and its Kernel, each run by its interpreter, agree."""

import numpy as np
import pytest
from buffer_programs import random_program
from programs_gen import assert_same_outcome, outcome
from programs_gen import random_program as general_program
from same_results import assert_same, check, joined

from hotloop.errors import UnsupportedError
from hotloop.ir import interp as ir_interp
from hotloop.ir.core import Program, Var
from hotloop.ir.text import parse
from hotloop.ir.types import Type
from hotloop.loops import interp
from hotloop.loops.core import For, Nest, walk
from hotloop.loops.expr import fresh_table
from hotloop.loops.lower import lower
from hotloop.loops.text import show
from hotloop.loops.verify import verify
from hotloop.ops import OPS, make_eqn
from hotloop.ops.table import Region, rows


@pytest.mark.parametrize("first", range(0, 150, 25))
def test_random_updates(first):
    for seed in range(first, first + 25):
        check(*random_program(seed))


@pytest.mark.parametrize("first", range(0, 100, 25))
def test_random_programs_of_all_kinds(first):
    for seed in range(first, first + 25):
        program, args = general_program(seed)
        given = [np.array(a) if isinstance(a, np.ndarray) else a for a in args]
        with np.errstate(all="ignore"), fresh_table():
            want = outcome(lambda program=program, args=args: ir_interp.run(program, args))
            kernel = lower(program, [True] * len(args))
            verify(kernel)
            got = outcome(lambda program=program, kernel=kernel, given=given: joined(
                program, interp.run(kernel, given), given))
        assert_same_outcome(got, want, lambda x, y: assert_same([x], [y]))


def row_program(row, sample):
    params = [Var(Type(np.asarray(v).dtype, np.shape(v))) for v in sample.ins]
    eqn = make_eqn(row, params, sample.params)
    return Program(params, [eqn], eqn.outs), list(sample.ins)


@pytest.mark.parametrize("row", [r for r in rows() if not isinstance(r.lowering, Region)],
                         ids=lambda row: row.name)
def test_rows(row):
    for sample in row.samples():
        if row.name == "pow" and np.isneginf(sample.ins[0]).any():
            continue    # NumPy's scalar and array power differ at (-inf)**0.5
        check(*row_program(row, sample))


def lowered(text, **options):
    program = parse(text, OPS)
    return lower(program, options.get("dense", [True] * len(program.params)))


def loops_text(text):
    with fresh_table():
        return [line.strip() for line in show(lowered(text)).splitlines()]


def copies(kernel):
    """Nests that only move a whole buffer into another."""
    return [s for s in walk(kernel.body) if isinstance(s, Nest) and s.combine is None
            and s.stores[0][2].op == "load" and s.stores[0][2].args[1:] == s.stores[0][1]]


IN_PLACE = {
    "updates of a written argument": """
        { lambda ; a:f64[n]. let
            b:f64[n] = set[codes='i'] a 1.0 0
            c:f64[n] = set[codes='i'] b 2.0 1
        in (a<-c,) }""",
    "a loop over a written argument": """
        { lambda ; a:f64[n]. let
            r:f64[n] = for[until=None] 1 n 1 a { lambda i:i64[] x:f64[n]. let
                j:i64[] = sub i 1
                y:f64[] = get[codes='i'] x j
                z:f64[n] = set[codes='i'] x y i
            in (z,) }
        in (a<-r,) }""",
    "a result filled in a loop": """
        { lambda ; k:i64[]. let
            a:f64[k] = broadcast[axes=()] 0.0 k
            r:f64[k] = for[until=None] 0 k 1 a { lambda i:i64[] x:f64[k]. let
                y:f64[] = convert[dtype=f64] i
                z:f64[k] = set[codes='i'] x y i
            in (z,) }
        in (r,) }""",
    "both arms in place": """
        { lambda ; a:f64[n] p:bool[]. let
            r:f64[n] = cond p
                { lambda . let b:f64[n] = set[codes='i'] a 1.0 0 in (b,) }
                { lambda . let in (a,) }
        in (a<-r,) }""",
    "a stencil on slices of one vector": """
        { lambda ; a:f64[n] b:f64[n] k:i64[] m:i64[]. let
            r:f64[n] s:f64[n] = for[until=None] 0 k 1 a b { lambda i:i64[] x:f64[n] y:f64[n]. let
                l:f64[m] = get[codes='s'] x 0 m 1
                c:f64[m] = get[codes='s'] x 2 m 1
                d:f64[m] = add l c
                y2:f64[n] = set[codes='s'] y d 1 m 1
                l2:f64[m] = get[codes='s'] y2 0 m 1
                c2:f64[m] = get[codes='s'] y2 2 m 1
                d2:f64[m] = add l2 c2
                x2:f64[n] = set[codes='s'] x d2 1 m 1
            in (x2, y2) }
        in (a<-r, b<-s) }""",
    "exchanged arrays": """
        { lambda ; k:i64[] m:i64[]. let
            a:f64[m] = broadcast[axes=()] 0.0 m
            b:f64[m] = broadcast[axes=()] 1.0 m
            r:f64[m] s:f64[m] = for[until=None] 0 k 1 a b { lambda i:i64[] x:f64[m] y:f64[m]. let
                z:f64[m] = set[codes='i'] x 3.0 i
            in (y, z) }
            t:f64[] = reduce_sum[axes=(0,)] r
        in (t,) }""",
    "a rebound array": """
        { lambda ; k:i64[] m:i64[]. let
            a:f64[m] = broadcast[axes=()] 0.5 m
            n:i64[] = sub m 1
            r:f64[m] = for[until=None] 0 k 1 a { lambda i:i64[] x:f64[m]. let
                y:f64[m] = get[codes='s'] x n m -1
                z:f64[m] = mul y x
            in (z,) }
            t:f64[] = reduce_sum[axes=(0,)] r
        in (t,) }""",
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_no_copy(name):
    with fresh_table():
        kernel = lowered(IN_PLACE[name])
        verify(kernel)
        assert not copies(kernel), show(kernel)
        assert not kernel.notes


def test_a_read_after_the_update_costs_a_copy_and_a_note():
    with fresh_table():
        kernel = lowered("""
            { lambda ; a:f64[n]. let
                b:f64[n] = set[codes='i'] a 1.0 0
                c:f64[n] = mul a b
            in (a<-b, c) }""")
        assert len(copies(kernel)) >= 1
        assert any("copied" in note for note in kernel.notes)


def test_lazy_reader_is_computed_before_the_store():
    program = parse("""
        { lambda ; a:f64[n]. let
            b:f64[n] = mul a 2.0
            c:f64[n] = set[codes='i'] a 1.0 0
        in (a<-c, b) }""", OPS)
    kernel = check(program, [np.arange(4.0)])
    assert not any("copied" in note for note in kernel.notes)


def test_exchange_of_pointers():
    with fresh_table():
        kernel = lowered(IN_PLACE["exchanged arrays"])
        loop = next(s for s in walk(kernel.body) if isinstance(s, For))
        assert len(loop.swaps) == 2


def test_overlapping_update():
    check(parse("""
        { lambda ; a:f64[n] m:i64[]. let
            b:f64[m] = get[codes='s'] a 0 m 1
            c:f64[n] = set[codes='s'] a b 1 m 1
        in (a<-c,) }""", OPS), [np.arange(6.0), np.int64(5)])


def test_strided_arguments():
    program = parse("""
        { lambda ; a:f64[n,m] z:c128[n]. let
            b:f64[n,m] = set[codes='ii'] a 9.0 1 0
            s:f64[m] = reduce_sum[axes=(0,)] b
            w:c128[n] = mul z z
            k:f64[n,n] = matmul a a
        in (a<-b, s, w, k) }""", OPS)
    a = np.arange(36.0).reshape(6, 6)[::2, ::-2]
    z = (np.arange(6) + 1j)[::-2]
    check(program, [a, z])


@pytest.mark.parametrize("yes", [True, False])
def test_arms_of_different_sizes(yes):
    check(parse("""
        { lambda ; a:f64[n] p:bool[]. let
            k:i64[] y:f64[k,2] s:f64[] z:f64[n] = cond p
                { lambda . let
                    m:i64[] = sub n 2
                    c:f64[m] = get[codes='s'] a 0 m 1
                    d:f64[m,2] = broadcast[axes=(0,)] c m 2
                    q:f64[n] = neg a
                in (m, d, 1.0, q) }
                { lambda . let
                    m:i64[] = add n 2
                    c:f64[m,2] = broadcast[axes=()] 7.0 m 2
                in (m, c, 2.0, a) }
            w:f64[2,k] = transpose[perm=(1,0)] y
        in (w, s, z) }""", OPS), [np.arange(6.0), np.bool_(yes)])


def test_array_that_shrinks_in_a_loop():
    check(parse("""
        { lambda ; a:f64[n,2]. let
            k:i64[] y:f64[k,2] = for[until=None] 0 3 1 n a { lambda i:i64[] m:i64[] b:f64[m,2]. let
                c:bool[m,2] = gt b 1.0
                d:bool[m] = reduce_and[axes=(1,)] c
                j:i64[] l:i64[j] = nonzero d
                g:f64[j,2] = get[codes='a:'] b l
                h:f64[j,2] = mul g 0.5
            in (j, h) }
        in (y, k) }""", OPS), [np.arange(20.0).reshape(10, 2)])


def test_a_failing_check_raises_with_its_message():
    program = parse("""
        { lambda ; n:i64[]. let
            p:bool[] = lt n 3
            check[exception=builtins:ValueError, message='{} is too much'] p n
        in (n,) }""", OPS)
    with fresh_table(), pytest.raises(ValueError, match=r"^5 is too much$"):
        interp.run(lower(program, [True]), [np.int64(5)])


def test_too_many_operands_of_a_message():
    with fresh_table(), pytest.raises(UnsupportedError, match="more than 12"):
        lowered(f"""
            {{ lambda ; p:bool[] n:i64[]. let
                check[exception=builtins:ValueError, message='{"{}" * 13}'] p {"n " * 13}
            in (n,) }}""")


def test_long_programs_take_linear_time():
    """Depth of recursion and whole-program scans would show at 5000 equations."""
    x = Var(Type(np.dtype("f8"), (Var(Type(np.dtype("i8"))),)))
    eqns, value, other = [], x, x
    for _ in range(2500):
        for name in ("add", "maximum"):
            eqns.append(make_eqn(OPS[name], (value, other)))
            value, other = eqns[-1].outs[0], value
    with fresh_table():
        lower(Program([x], eqns, [value]), [True])


def test_computed_indices_may_repeat():
    """The index array never gets memory, yet the additions must come one after the other."""
    program = parse("""
        { lambda ; a:f64[n] b:f64[n]. let
            i:i64[n] = iota[dtype=i64] n
            k:i64[n] = remainder i 3
            c:f64[n] = addat[codes='a'] a b k
        in (c,) }""", OPS)
    kernel = check(program, [np.arange(9.0), np.arange(9.0) ** 2])
    assert [s.regular for s in walk(kernel.body) if isinstance(s, For)] == [False]


@pytest.mark.parametrize("codes, operands", [
    ("s", "1 m 1"), ("s", "1 m step"), (":", "")])
def test_slices_don_t_repeat(codes, operands):
    program = parse(f"""
        {{ lambda ; a:f64[n] b:f64[m] step:i64[]. let
            c:f64[n] = addat[codes='{codes}'] a b {operands}
        in (c,) }}""", OPS)
    with fresh_table():
        kernel = lower(program, [True] * len(program.params))
        assert not [s for s in walk(kernel.body) if isinstance(s, For)]


@pytest.mark.parametrize("new", ["m", "k l", "l 2 k"])
def test_reshape_does_not_divide(new):
    program = parse(f"""
        {{ lambda ; a:f64[n,p] z:c128[n,p] m:i64[] k:i64[] l:i64[]. let
            b:f64[p,n] = transpose[perm=(1, 0)] a
            c:f64[{new.replace(' ', ',')}] = reshape b {new}
            d:f64[{new.replace(' ', ',')}] = mul c 2.0
            e:c128[{new.replace(' ', ',')}] = reshape z {new}
        in (d, c, e) }}""", OPS)
    a = np.arange(24.0).reshape(4, 6)
    k, l = (4, 6) if new == "k l" else (6, 2)
    kernel = check(program, [a, a + 1j, np.int64(24), np.int64(k), np.int64(l)])
    assert "idiv" not in show(kernel)
    assert "irem" not in show(kernel)


def test_written_arrays_without_axes():
    program = parse("""
        { lambda ; a:f64[] z:c128[] k:i64[]. let
            b:f64[] = add a 1.0
            c:f64[] = for[until=None] 0 k 1 b { lambda i:i64[] x:f64[]. let
                y:f64[] = add x a
            in (y,) }
            w:c128[] = mul z z
        in (a<-c, z<-w, a) }""", OPS)
    a, z = np.array(2.0), np.array(1 + 2j)
    with fresh_table():
        kernel = lower(program, [True, True, True])
        verify(kernel)
        assert interp.run(kernel, [a, z, np.int64(3)]) == [2.0]
    assert a == 9.0
    assert z == -3 + 4j


def test_a_size_from_a_sum():
    check(parse("""
        { lambda ; a:i64[n] k:i64[]. let
            r:i64[] = for[until=None] 0 k 1 0 { lambda i:i64[] x:i64[]. let
                m:i64[] = reduce_sum[axes=(0,)] a
                b:i64[m] = iota[dtype=i64] m
                c:i64[m] = cumsum[axis=0] b
                d:i64[] = reduce_sum[axes=(0,)] c
                e:i64[] = add x d
            in (e,) }
        in (r,) }""", OPS), [np.arange(4), np.int64(2)])


KEPT = []


def keep(array):
    KEPT.append(array)


def test_a_callee_may_keep_an_array():
    program = parse(f"""
        {{ lambda ; a:f64[n]. let
            b:f64[n] = set[codes='i'] a 1.0 0
            call_host[function={__name__}:keep] b
            c:f64[n] = set[codes='i'] b 2.0 0
        in (a<-c,) }}""", OPS)
    KEPT.clear()
    with fresh_table():
        interp.run(lower(program, [True]), [np.zeros(2)])
    assert KEPT[0][0] == 1.0


@pytest.mark.parametrize("n, m, short", [(1000, 3, 3), (3, 1000, 3), (0, 9, None), (1, 9, None),
                                         (20, 3, None), (1000, 9, None)])
def test_sizes_that_are_short_for_good(n, m, short):
    """No points yet, or one, say nothing of the next call."""
    program = parse("{ lambda ; a:f64[n,m]. let b:f64[n,m] = neg a in (b,) }", OPS)
    kernel = lower(program, [True], [(n, m)])
    assert list(kernel.sizes.values()) == ([] if short is None else [short])
