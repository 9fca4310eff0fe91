"""A specialization as the native machine reads it: cells (`Spec`), two of which point to steps, an
opcode and its operands, a cell each. Input steps check the arguments and put them in the kernel's
frame, output steps make the result:

    ARG 0; ARRAY f8, rank 1, contiguous -> slots 16, 17; RUN
    RESULT 0; RETURN

`entry.wrap` writes them, `entry.inputs` and `entry.outputs` are the machine's half.
"""

from __future__ import annotations

import enum


class Spec(enum.IntEnum):
    """Cells of a specialization."""
    CELLS = 0        # of the whole frame
    OWNED = 1        # where the cells that own references begin: first the array results
    OWNED_COUNT = 2  # how many they are
    KERNEL = 3       # address
    EXTERNALS = 4    # for the TABLE slot
    RESULTS = 5      # address of the records of array results: dtype, rank, item size, 0
    FAIL = 6         # Python: fail(status, frame's address) gives the exception to raise
    CALL_BACK = 7    # Python: call_back(site, operands' address)
    INPUT = 8        # address of the input steps
    OUTPUT = 9       # address of the output steps
    STACK = 10       # the owned cell where the stack of output values begins
    RUNS = 11        # counted here
    FLAGGED = 12     # Python: flagged(*args) after a kernel that reports floating-point flags gives
                     # itself, or the call's result in place of the kernel's
    PARAMETERS = 13  # how many arguments the function has


class Step(enum.IntEnum):
    """Input steps. `current` is the object at hand; a step that makes a reference puts it in an
    owned cell. A check that fails leaves for the next specialization."""
    RUN = 0          #
    ARG = 1          # number                   current = argument
    ATTR = 2         # name owned               current = current.name
    INDEX = 3        # index owned              item of a tuple or list
    KEY = 4          # key owned                item of a dict
    GLOBAL = 5       # dict key owned
    CELL = 6         # cell owned               what a closure's cell holds
    IS = 7           # object
    TYPE = 8         # type
    EQUAL = 9        # object                   of an int, str, bytes: same type and ==
    SIZE = 10        # length                   of a tuple or list
    BITS = 11        # bits                     of a float
    FLOAT = 12       # slot
    INT = 13         # slot                     one of 64 bits
    BOOL = 14        # slot
    COMPLEX = 15     # slot
    SCALAR = 16      # type size slot           a NumPy scalar
    PAIR = 17        # type half slot           a complex one
    ARRAY = 18       # dtype number rank flags slot dims strides inner extent size, then its dims:
                     # >= 0 that size, -1 any but 1, else the value of slot -2 - dim
    POINT = 19       # dtype number size slot   a 0-d array, passed by value; half of a complex
    SAME = 20        # slot slot                equal contents
    APART = 21       # extent extent            two arrays' memory does not overlap
    RANDOM = 22      # address slot             a fresh key
    OWNED = 23       # cell                     current = what the owned cell holds
    ALIAS = 24       # cell cell                they hold one object
    HOLD = 25        # owned                    keep current in an owned cell
    STATE = 26       # variable address owned   a context variable has the object at the address
    OBJECT = 27      # slot                     the address of current
    CAPSULE = 28     # slot                     the address in it
    KEYS = 29        # tuple                    a dict of these keys, in this order


class Out(enum.IntEnum):
    """Output steps, of a stack machine."""
    RETURN = 0
    RESULT = 1       # number                   an array result
    FLOAT = 2        # slot
    INT = 3          # slot
    UNSIGNED = 4     # slot
    BOOL = 5         # slot
    COMPLEX = 6      # slot
    SCALAR = 7       # dtype slot
    PAIR = 8         # dtype half slot
    OBJECT = 9       # object
    ARG = 10         # number
    OWNED = 11       # cell
    TUPLE = 12       # length
    LIST = 13        # length
    CALL = 14        # callable count           of the topmost values
    UNLESS = 15      # slot step                go there if the bool is false
    GOTO = 16        # step
    TAKE = 17        # number                   an array result used once
    SET_ATTR = 18    # depth name               the value at that depth gets the one above it
    SET_ITEM = 19    # depth key                likewise
