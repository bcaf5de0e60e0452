"""What a chat template may use: data, so that a verdict never depends on which releases are installed."""

from __future__ import annotations

__all__ = [
    "ATTRIBUTE_FILTERS",
    "CALLABLES",
    "FILTERS",
    "FRAMES",
    "LOOP_NUMBERS",
    "METHODS",
    "MUTATORS",
    "NUMBER_FILTERS",
    "NUMBER_METHODS",
    "SELECTING_FILTERS",
    "SELECTING_METHODS",
    "SHORTENING_METHODS",
    "TESTS",
]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Jinja's own globals and the two that every library passes to a chat template. `lipsum` is left out: its globals are
# the classic way to Python's modules, and no chat template writes filler text.
CALLABLES = _words("range dict namespace cycler joiner raise_exception strftime_now caller loop super")

# Attributes without an underscore that lead from a value to an interpreter's frame, code or class.
FRAMES = _words(
    "mro func_globals func_code func_closure im_func im_self im_class gi_frame gi_code gi_yieldfrom cr_frame cr_code"
    " cr_await cr_origin ag_frame ag_code ag_await f_back f_builtins f_code f_globals f_locals f_trace tb_frame tb_next"
    " co_code co_consts"
)

# The public methods of text, lists, dicts, tuples, sets, numbers, bytes and dates, of loops and of cyclers: what the
# data of a chat has. Frozen from Python 3.11; a method that is missing here belongs to no such data.
MUTATORS = _words(
    "add append clear difference_update discard extend insert intersection_update remove reverse setdefault sort"
    " symmetric_difference_update update"
)
NUMBER_METHODS = _words(
    "bit_count bit_length count endswith find index isalnum isalpha isascii isdecimal isdigit isdisjoint isidentifier"
    " islower isnumeric isprintable isspace issubset issuperset istitle isupper is_integer rfind rindex startswith"
    " as_integer_ratio conjugate changed reset"
)
SELECTING_METHODS = _words(
    "copy cycle difference get intersection items keys next pop popitem setdefault symmetric_difference union values"
)
# What they give is a part of the text that they are called on: their arguments add nothing to it.
SHORTENING_METHODS = _words("lstrip removeprefix removesuffix rsplit rstrip split splitlines strip")
BUILDING_METHODS = _words(
    "capitalize casefold center decode encode expandtabs format format_map fromkeys hex isoformat join ljust lower"
    " maketrans partition replace rjust rpartition strftime swapcase title to_bytes translate upper zfill"
)
METHODS = MUTATORS | NUMBER_METHODS | SELECTING_METHODS | SHORTENING_METHODS | BUILDING_METHODS

LOOP_NUMBERS = _words("index index0 revindex revindex0 first last length depth depth0")

NUMBER_FILTERS = _words("abs count float int length round wordcount")
SELECTING_FILTERS = _words(
    "batch d default dictsort first groupby items last list max min random reject rejectattr select selectattr slice"
    " sort unique"
)
BUILDING_FILTERS = _words(
    "capitalize center e escape filesizeformat forceescape format indent join lower pprint replace reverse safe string"
    " striptags sum title tojson trim truncate upper urlencode urlize wordwrap xmlattr"
)
# `from_json` is none of Jinja's; DeepSeek's templates have it, and the programs that render them bring it along.
FILTERS = NUMBER_FILTERS | SELECTING_FILTERS | BUILDING_FILTERS | {"attr", "map", "from_json"}

# Which positional argument of a filter names an attribute; they take it by name too.
ATTRIBUTE_FILTERS = {
    "attr": 0, "groupby": 0, "join": 1, "max": 1, "min": 1, "rejectattr": 0, "selectattr": 0, "sort": 2, "sum": 0,
    "unique": 1,
}  # fmt: skip

TESTS = _words(
    "!= < <= == > >= boolean callable defined divisibleby eq equalto escaped even false filter float ge greaterthan gt"
    " in integer iterable le lessthan lower lt mapping ne none number odd sameas sequence string test true undefined"
    " upper"
)
