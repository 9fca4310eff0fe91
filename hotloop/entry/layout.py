"""What the native machine finds in memory besides the steps of a specialization (`entry.steps`):

    object     16 slow  24 state  32 keep  40 vectorcall  48 table  56 dict  64 weaklist
    table      0 parameters  8 names  16 defaults  24 count  32... specializations
"""

SLOW, STATE, KEEP, VECTORCALL, TABLES, DICT, WEAKLIST, OBJECT_SIZE = range(16, 80, 8)

PARAMETERS, NAMES, DEFAULTS, COUNT, FIRST = range(0, 40, 8)

MISS = "inttoptr (i64 1 to ptr)"
"""What `hl_run` returns if the specialization does not fit."""
