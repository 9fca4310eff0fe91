"""`hotloop fuzz`: random programs, run by Python and compiled, compared in everything observable.

    hotloop fuzz --seconds 60                    # programs made from a grammar
    hotloop fuzz model.py::step                  # inputs made up for a function of yours
    hotloop fuzz --replay found/finding-7.py     # one finding again
    hotloop coverage --check 20                  # 20 random calls of each function of NumPy

    kinds     the kinds of programs: which rules of `grammar`, `language`, `memory` they draw from
    library   single calls of NumPy; transformed: gradients and batches, with `differences`
    writer    draws a program's text; inputs: its arguments, as text too
    modes     how a program is compiled: quickly, well, both one after the other, in threads
    cases     a case is one module text with `f` and `calls()`: nothing but text travels
    compare   are two outcomes the same, as far as the contract goes?
    check     runs a case both ways and gives a Verdict
    worker    a process that checks cases; a crash or hang ends it, and is a finding
    runner    feeds the workers; reduce makes a failing case small; stages finds the guilty stage
    report    what the user reads: progress, counts, one file a finding
    coverage  the same for each function of NumPy by itself
"""
