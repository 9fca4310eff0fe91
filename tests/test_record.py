"""Records against dataclasses of the same fields."""

import copy
import pickle
from dataclasses import dataclass

import pytest

from hotloop.record import field, record, replace


@record
class Point:
    """A docstring."""
    x: int
    y: float = 0.5

    @property
    def total(self):
        return self.x + self.y


@record
class Named(Point):
    name: str = ""


@record(eq=False, frozen=False)
class Node:
    value: int
    children: list = field(default_factory=list)
    table: dict = field(default_factory=dict)


@record(frozen=False)
class Counted:
    make: int
    type: int = 3

    def __post_init__(self):
        self.make += 1


@record
class Nothing:
    pass


@dataclass(frozen=True)
class Reference:
    x: int
    y: float = 0.5


def test_values():
    assert (Point(1).x, Point(1).y, Point(y=2.0, x=3).total) == (1, 0.5, 5.0)
    assert repr(Point(1)) == repr(Reference(1)).replace("Reference", "Point")
    assert hash(Point(1)) == hash(Reference(1))
    assert Point(1) == Point(1, 0.5) != Point(2) and Point(1) != (1, 0.5)
    assert len({Point(1), Point(1), Point(2)}) == 2
    assert Point.__doc__ == "A docstring." and Point.__qualname__ == "Point"
    assert Nothing() == Nothing() and repr(Nothing()) == "Nothing()"


@pytest.mark.parametrize("args, kwargs", [
    ((), {}), ((1, 2, 3), {}), ((1,), {"x": 2}), ((), {"y": 1.0}), ((1,), {"z": 1})])
def test_wrong_arguments(args, kwargs):
    with pytest.raises(TypeError) as wanted:
        Reference(*args, **kwargs)
    with pytest.raises(TypeError) as got:
        Point(*args, **kwargs)
    assert str(got.value).removeprefix("Point.") == str(wanted.value).removeprefix("Reference.")


def test_one_field_is_compared_as_in_a_tuple():
    @record
    class One:
        x: float
    nan = float("nan")
    assert One(nan) == One(nan) and One(nan) != One(float("nan"))


def test_fields_of_bases_come_first():
    made = Named(1, 2.0, "a")
    assert (made.x, made.y, made.name, made.total) == (1, 2.0, "a", 3.0)
    assert made != Point(1, 2.0) and Named(1) == Named(1)


def test_identity_and_fresh_defaults():
    a, b = Node(1), Node(1)
    assert a != b and len({a, b}) == 2
    a.children.append(b)
    a.value = 7
    assert b.children == [] and Node(1, [5]).children == [5] and a.table is not b.table
    with pytest.raises(AttributeError):
        a.unknown = 1


def test_after_construction_and_names_that_the_constructor_uses():
    made = Counted(1)
    assert (made.make, made.type) == (2, 3) and made == Counted(1, 3)
    with pytest.raises(TypeError):
        hash(made)


def test_copies():
    made = Named(1, 2.0, "a")
    assert replace(made, y=5.0) == Named(1, 5.0, "a") and made.y == 2.0
    assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == copy.copy(made) == made
    node = Node(1, [made])
    assert pickle.loads(pickle.dumps(node)).children == [made]
    with pytest.raises(TypeError):
        replace(made, z=1)


def test_patterns():
    match Point(1, 2.0):
        case Point(x, y):
            assert (x, y) == (1, 2.0)
