"""Which functions there are, and how many arguments each takes; what they compute is written elsewhere."""

ELEMENTWISE = {
    **dict.fromkeys(
        ("abs", "ceil", "cos", "exp", "floor", "get_mask", "isnan", "log", "log10", "sin", "sqrt", "tan"), 1
    ),
    **dict.fromkeys(("int", "int8", "int16", "int32", "int64", "float", "float16", "float32", "float64"), 1),
    **dict.fromkeys(("arctan2", "hypot", "mask"), 2),
    **dict.fromkeys(("clip", "where"), 3),
}
"""Function of each cell -> its number of arguments."""

REDUCTIONS = {
    **dict.fromkeys(("count", "max", "mean", "median", "min", "std", "sum", "var"), 1),
    "percentile": 2,
}
"""Function of many cells -> its number of arguments; each takes an axis besides."""

CONSTANTS = ("nan", "pi")
"""Names with a meaning where no value of the name is given."""
