"""Python functions to Programs. Where to look:

    entrance      trace (read it first), traced, session (what comes from outside), results
    source        source, syntax, jumps, liveness, rewrite: the AST before it runs
    helpers       control (what rewritten code calls), calls, truth, operators, ufuncs, messages,
                  host (print), matching
    staging       builder, branches, trying, managers (with), sequences, yields, generators (NumPy's
                  random ones)
    loops         loops (how one is run), loop, iterables, prange; carried, loop_traces and
                  loop_equation stage it
    functions     recursion, active, passing; separate: of their own in the kernel; memos; given:
                  those that come from outside
    values        tracers, slots (how kinds of values flow through branches), structure (known
                  tuples and dicts), objects, instances, one_of, slice_slots, dims (facts about
                  sizes)
    references    views, indexing, strides, meeting, references, exchange: which array a name is;
                  memory_order: how new arrays lie
    lists         list_values, list_buffers, list_slots, list_aliasing, list_results, lists, rows
    dicts, sets   tables, table_keys, in_tables (what they do, as plain Python)
    text          text (read it first), text_codes, text_names (methods, builtins), text_builtins,
                  text_parts; in_text and in_text_parts (what is done, as plain Python)
    names         registry, names; numpy_*, math_names, python_*, scipy_names; in_python,
                  numpy_in_python and random_in_python are library functions as plain Python
    warnings      warned: where NumPy would give them
    not native    numpy_fallback, numpy_trial, numpy_invocation, numpy_callback: NumPy is called
    transforms    transform, derivatives, halves, jacobians, lanes, custom, regions, trees,
                  tangents: calls of grad, vmap and their like on tracers
"""
