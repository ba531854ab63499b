"""Which mistake was made: the known wrong answers are run on the very inputs of the check.

A check is a class of dayN/checks/<module>.py, `exercise_1_2` for exercise 1.2. It holds

    title, minutes, hints    text, a number, four rungs from the symptom to nearly the answer
    returns                  names of what is returned, where it is more than one thing
    shows                    the one of them that a learner looks at first; may be missing
    calls(rng)               probes, hand-sized first: yields (name of the function, *arguments)
    random_call(rng)         one valid probe of random sizes
    refusals(rng)            calls that the docstring answers with a ValueError; may be missing
    properties               functions (f, result, *arguments of the call) -> a sentence where the
                             property is broken, else None; f holds the learner's functions, and
                             f.books the book's. A docstring names the part of `returns` that
                             shows it best
    steps, whole(steps)      the right answer in steps that can each go wrong, and what joins them
                             to {name of a function: function}
    slips                    wrong answers. `def scale__none(scores, q, k, v)` stands in for the
                             step `scale`, or for a whole function of that name; a class stands in
                             for several. Its docstring is the tutor's sentence
    advice                   pairs: a pattern in an error's message, a sentence to put before it
    accepts                  right answers in another convention, written like slips
    variants                 right steps that show only together with a slip; no sentence needed
    making(*arguments)       what the functions are called with, made of a call (study/tensors.py)
    reading(f, result, ...)  what is compared, where that is not the result alone (study/tensors.py)
    drawn                    True where the result is drawn at random: two ways to it agree in nothing
    second(f, mine)          what the learner's own earlier answer says of this one: a sentence, or
                             None; `mine` is the path of the learner's file. May be missing

Where a property is for one function of several, its name begins with that function's: `gelu__...`.
"""

import inspect
import itertools
import re
import time
from types import SimpleNamespace

import numpy as np

from study.tensors import in_numpy

TOLERANCE = 1e-9
NAMING = 1e-6  # two ways to make the same mistake need not round alike
MISFIT = re.compile(  # of NumPy's products and sums, and of PyTorch's
    r"mismatch in its core dimension|not aligned|could not be broadcast|do not fit|"
    r"shapes cannot be multiplied|size of tensor|must have same reduction dim|Expected size for"
)


def members(check, kind):
    """The functions or classes of check.slips (steps, properties, accepts): name -> object."""
    return held(getattr(check, kind, object))


def held(holder):
    """What a class holds: name -> object. It may inherit another's; None takes one of those out."""
    found = {}
    for part in reversed(holder.__mro__):
        found |= vars(part)
    return {n: value for n, value in found.items() if not n.startswith("__") and value is not None}


def overrides(name, slip):
    """The steps that a slip stands in for: step -> function."""
    return held(slip) if isinstance(slip, type) else {name.split("__")[0]: slip}


def wrong_answer(check, changed):
    """The functions of an exercise, as the judge calls them, with some steps or whole functions
    replaced.
    """
    steps = members(check, "steps")
    functions = check.whole(SimpleNamespace(**(steps | changed)))
    functions |= {name: f for name, f in changed.items() if name not in steps}
    return in_numpy(check, functions)


def sentence(slip):
    """The tutor's sentence, on one line."""
    return " ".join(inspect.getdoc(slip).split())


def outcome(functions, call):
    """What a call gives: ("value", result), or ("error", name of the error, its message)."""
    name, *arguments = call
    try:
        with np.errstate(all="ignore"):
            return "value", functions[name](*arguments)
    except Exception as error:  # noqa: BLE001  a wrong answer may raise anything
        return "error", type(error).__name__, str(error)


def same(a, b, tolerance=TOLERANCE):
    """Whether two outcomes agree: same kind, same structure, same shapes, values so near."""
    if a[0] == b[0] == "error":
        misfits = MISFIT.search(a[2]) and MISFIT.search(b[2])  # by np.dot or by @
        bare = "" in (a[2], b[2])  # a check's own `raise ValueError` stands for any words
        return a[1] == b[1] and (bool(misfits) or bare or a[2] == b[2])
    return a[0] == b[0] and alike(a[1], b[1], tolerance)


def alike(a, b, tolerance):
    """Whether two results agree."""
    if isinstance(a, (tuple, list)) or isinstance(b, (tuple, list)):
        if type(a) is not type(b) or len(a) != len(b):
            return False
        return all(alike(x, y, tolerance) for x, y in zip(a, b, strict=True))
    if a is None or b is None or isinstance(a, str):
        return type(a) is type(b) and a == b
    a, b = np.asarray(a), np.asarray(b)
    kinds = {a.dtype.kind, b.dtype.kind}
    if a.shape != b.shape or not (kinds == {"b"} or kinds <= set("iuf")):  # 0 and 1 are no mask
        return False
    return np.allclose(a.astype(float), b.astype(float), tolerance, tolerance, equal_nan=True)


def matches(check, changed, calls, outcomes):
    """Whether an answer with these steps replaced behaves like the learner's on every call."""
    functions = wrong_answer(check, changed)
    pairs = zip(calls, outcomes, strict=True)
    return all(same(outcome(functions, copied(call)), seen, NAMING) for call, seen in pairs)


def copied(value):
    """A call or a result with arrays of its own, so that nothing is changed under the next one."""
    if isinstance(value, dict):
        return {key: copied(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return tuple(map(copied, value))
    return value.copy() if isinstance(value, np.ndarray) else value


def name(check, calls, outcomes, kind="slips", seconds=5.0):
    """The slips that the learner's outcomes betray: [] (none, or more than one), one, or two.

    Two slips at once, and a slip in another convention, are tried where they stand in for different
    steps, as long as time allows. Where several pairs fit, the slip that all of them share is the
    outer one, and it alone is named.
    """
    known = members(check, kind)
    found = {n for n, s in known.items() if matches(check, overrides(n, s), calls, outcomes)}
    if found:
        return [min(found)] if len({sentence(known[n]) for n in found}) == 1 else []
    if kind != "slips":
        return []
    others = members(check, "accepts") | members(check, "variants")
    pairs, end = [], time.process_time() + seconds
    for a, b in itertools.combinations({**known, **others}, 2):
        if time.process_time() > end:
            return []
        if a in others:  # they stand last: so does b
            break
        first, second = overrides(a, known[a]), overrides(b, known.get(b) or others[b])
        if not first.keys() & second.keys() and matches(check, first | second, calls, outcomes):
            pairs.append([n for n in (a, b) if n in known])
    told = {frozenset(sentence(known[n]) for n in pair) for pair in pairs}
    if len(told) == 1:
        return pairs[0]
    shared = frozenset.intersection(*told) if told else frozenset()
    return [next(n for n in known if sentence(known[n]) in shared)] if len(shared) == 1 else []
