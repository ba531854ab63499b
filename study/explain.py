"""Explain a wrong answer: the slip's name or the broken property, and the smallest example."""

import contextlib
import inspect
import re
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from study.naming import copied, members, name, outcome, same, sentence
from study.parting import parting
from study.running import tried

LARGE = 60  # numbers; more than these are told by their shape
LINE = 60  # characters; of a longer result only the place that differs most is shown


@dataclass
class Trial:
    """A learner's answer on every call of a check, beside the book's."""

    check: type
    mine: Path  # the learner's file
    functions: dict  # the learner's
    right: dict  # the book's
    calls: list
    outcomes: list
    expected: list
    changed: tuple | None  # the number of the first call whose input was changed, the argument

    @cached_property
    def failing(self):
        """The numbers of the calls whose outcome is not the expected one."""
        pairs = zip(self.outcomes, self.expected, strict=True)
        return [number for number, pair in enumerate(pairs) if not same(*pair)]

    def mine_on(self, call):
        return tried(self.functions, copied(call), self.mine)

    def books_on(self, call):
        return outcome(self.right, copied(call))

    @cached_property
    def told(self):
        """The failing calls by number, those first whose difference shows in three digits."""
        return sorted(self.failing, key=lambda n: not shows(self.outcomes[n], self.expected[n]))


def explained(trial):
    """The verdict on a wrong answer: its name or the broken property, and a small example."""
    slips = name(trial.check, trial.calls, trial.outcomes) or alone(trial)
    kind, number, message, holds = finding(trial, slips)
    call = shrunk(trial, number, holds)
    taken = getattr(trial.check, "making", trial.right[call[0]])
    given = dict(zip(inspect.signature(taken).parameters, call[1:], strict=False))
    told = {"status": "wrong", "kind": kind, "slips": slips, "message": message}
    told["function"] = call[0]
    told["example"] = {n: made(call[0], a) if n == "self" else brief(a) for n, a in given.items()}
    told["shapes"] = {n: extent(a) for n, a in given.items() if isinstance(a, np.ndarray)}
    ways = (parting(trial), oracle(trial)) if kind not in ("slip", "error") else ()
    if any(ways):
        told["way"] = " ".join(filter(None, ways))
    if kind == "error":
        told["traceback"] = trial.outcomes[number][4]
    part = inspect.getdoc(holds) if holds else None
    return told | compared(trial.check, trial.mine_on(call), trial.books_on(call), part)


def alone(trial):
    """The slip that one function of several betrays, where each has a fault of its own; or [].

    The failing calls are then those of that function.
    """
    names = [call[0] for call in trial.calls]
    for what in dict.fromkeys(names[number] for number in trial.failing):
        own = [number for number, who in enumerate(names) if who == what]
        calls, outcomes = ([x[n] for n in own] for x in (trial.calls, trial.outcomes))
        if len(own) < len(names) and (slips := name(trial.check, calls, outcomes, seconds=0)):
            trial.failing = [number for number in trial.failing if number in own]
            return slips
    return []


def oracle(trial):
    """What the learner's own earlier answer says of this one, where the check asks it; or None."""
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        return trial.check.second(SimpleNamespace(**trial.functions), trial.mine)
    return None


def finding(trial, slips):
    """What is wrong: (its kind, the number of the call that shows it, a sentence, a property).

    The kind is "slip", "changes" (its input), "error", "form" (None, a shape, a type, NaN),
    "property" or "unknown".
    """
    first = trial.told[0]
    if slips:
        told = [sentence(members(trial.check, "slips")[slip]) for slip in slips]
        message = told[0] if len(set(told)) == 1 else f"Two things. {told[0]} And: {told[1]}"
        return "slip", first, message, None
    if trial.changed is not None:
        number, argument = trial.changed
        message = (
            f"{trial.calls[number][0]} changes its input {argument}, by an operator such as -= or "
            "by writing to a part of it. Make a new array instead."
        )
        return "changes", first, message, None
    for number in trial.failing:
        if trial.outcomes[number][0] == "error":
            return "error", number, advised(trial.check, trial.outcomes[number][3]), None
    for number in trial.failing:
        call, seen, wanted = (x[number] for x in (trial.calls, trial.outcomes, trial.expected))
        if message := misshapen(trial.check, seen, wanted, call):
            return "form", number, message, None
    for number in trial.told:
        if found := broken(trial, trial.calls[number], trial.outcomes[number]):
            return "property", number, *found
    unknown = "differs from the book's answer, in a way that is no slip we know."
    return "unknown", first, f"{trial.calls[first][0]} {unknown}", None


def advised(check, told):
    """The sentence of an error, with what is known of such lines before it."""
    if "`raise " in told:
        told = f"Your function refuses a call that is valid: is its condition right? {told}"
    for pattern, advice in getattr(check, "advice", ()):
        if re.search(pattern, told):
            told = f"{advice} {told}"
    return told


def misshapen(check, seen, expected, call):
    """A sentence on an answer of the wrong form: None, a list, a shape, a type, NaN; or None."""
    result, wanted, what = seen[1], expected[1], call[0]
    if result is None:
        return f"{what} returns None. Is a `return` missing?"
    count = f"{len(result)} things" if isinstance(result, tuple) else "one thing"
    parts = [("The result", result, wanted)]
    if isinstance(wanted, tuple):
        if not isinstance(result, tuple) or len(result) != len(wanted):
            got = "a list" if isinstance(result, list) else count
            return f"{what} returns {got}, not {len(wanted)} arrays: {', '.join(check.returns)}."
        parts = zip(check.returns, result, wanted, strict=True)
    elif isinstance(result, tuple):
        kind = "text" if isinstance(wanted, str) else "array" if np.ndim(wanted) else "number"
        return f"{what} returns {count}, not one {kind}."
    for part, got, right in parts:
        if told := unlike(got, right):  # the name of an array stays as it is written
            return f"{part if part.isidentifier() else part[0].upper() + part[1:]} {told}."
    return None


def unlike(got, right):
    """What a part of an answer is that differs from the book's in its form, or None."""
    if isinstance(right, str):
        return None if isinstance(got, str) else f"is a {type(got).__name__}, not a text"
    plain = np.ndim(right) == 0 and isinstance(got, (int, float))
    if not plain and not isinstance(got, (np.ndarray, np.generic)):
        kind = "an array of numbers" if np.ndim(right) else "a number"
        return f"is a {type(got).__name__}, not {kind}"
    got, right = np.asarray(got), np.asarray(right)
    if got.shape != right.shape:
        return f"has the shape {got.shape}, not {right.shape if right.ndim else 'of one number'}"
    whole = plain and got.dtype.kind == "i" and right.dtype.kind == "f"  # 0 may stand for 0.0
    kinds_differ = got.dtype.kind != right.dtype.kind and not whole
    if kinds_differ or got.dtype.itemsize < right.dtype.itemsize:
        return f"has the type {got.dtype}, not {right.dtype}"
    nan = np.isnan(got).any() and not np.isnan(right).any()
    return "holds NaN: not a number, such as 0 / 0 or inf - inf" if nan else None


def broken(trial, call, seen):
    """The first property that an outcome breaks: (sentence, property), or None."""
    for title, holds in members(trial.check, "properties").items():
        owner = title.split("__")[0]
        if owner in trial.functions and owner != call[0]:
            continue
        if told := breaks(holds, trial, call, seen):
            return told, holds
    return None


def breaks(holds, trial, call, seen):
    """The sentence of a property that a result breaks, or None."""
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        f = SimpleNamespace(**trial.functions, books=SimpleNamespace(**trial.right))
        return holds(f, seen[1], *copied(call)[1:])
    return None


def shrunk(trial, number, holds, seconds=0.5):
    """A failing call made smaller: whole numbers, and 0 wherever it still fails in the same way."""
    call, seen, end = trial.calls[number], trial.outcomes[number], time.process_time() + seconds
    shown = shows(seen, trial.expected[number])
    part = differing(trial.check, seen, trial.expected[number])[0]

    def fails(candidate):
        wanted, now = trial.books_on(candidate), trial.mine_on(candidate)
        if wanted[0] == "error" or now[0] != seen[0] or same(now, wanted):
            return False
        if now[0] == "error":
            return now[1] == seen[1]
        clear = visible(now[1], wanted[1]) and differing(trial.check, now, wanted)[0] == part
        return (clear or not shown) and breaks(holds, trial, candidate, now) if holds else clear

    floats = [n for n, a in enumerate(call) if isinstance(a, np.ndarray) and a.dtype.kind == "f"]
    smaller = tuple(np.round(a) + 0.0 if n in floats else a for n, a in enumerate(call))
    if not fails(smaller):
        return call
    for which, place in [(n, place) for n in floats for place in np.argwhere(smaller[n])]:
        if time.process_time() > end:
            break
        candidate = copied(smaller)
        candidate[which][tuple(place)] = 0
        smaller = candidate if fails(candidate) else smaller
    return smaller


def shows(seen, wanted):
    """Whether one looks at an outcome, and sees that it is not the expected one."""
    return seen[0] != wanted[0] or visible(seen[1], wanted[1])


def visible(result, wanted):
    """Whether a difference shows in three digits."""
    if isinstance(wanted, tuple) and isinstance(result, tuple) and len(wanted) == len(result):
        return any(map(visible, result, wanted))
    try:
        a, b = np.asarray(result, float), np.asarray(wanted, float)
    except (TypeError, ValueError, OverflowError):
        return True
    return a.shape != b.shape or not np.allclose(a, b, 1e-2, 1e-2, equal_nan=True)


def compared(check, seen, wanted, part=None):
    """What differs, this part of the result if it does: {"part", "yours", "expected"}."""
    if wanted[0] == "error":
        return {}
    if seen[0] == "value":
        return pointed(*differing(check, seen, wanted, part))
    parts = wanted[1] if isinstance(wanted[1], tuple) else (wanted[1],)
    shapes = " and ".join(str(np.shape(part)) for part in parts)
    form = f"shape {shapes}" if shapes != "()" else "a number"
    expected = "no error" if hasattr(check, "reading") else form  # of what is read, not returned
    return {"part": "result", "yours": seen[1], "expected": expected}


def differing(check, seen, wanted, part=None):
    """The part of a result that differs: its name, what is there, what should be.

    This part if it does; else one whose difference shows, the last of them.
    """
    result, right, part = seen[1], wanted[1], part or getattr(check, "shows", None)
    parts = []
    if isinstance(right, tuple) and isinstance(result, tuple) and len(right) == len(result):
        parts = list(zip(check.returns, result, right, strict=True))[::-1]  # weights, then out
    differ = (p for p in parts if not same(("value", p[1]), ("value", p[2])))
    order = lambda p: (p[0] != part, not visible(*p[1:]))
    return min(differ, key=order, default=("result", result, right))


def pointed(part, got, want):
    """Both in brief, or the place where they differ most, where that says more."""
    yours, expected = brief(got), brief(want)
    arrays = isinstance(got, np.ndarray) and isinstance(want, np.ndarray) and want.ndim
    told = max(len(yours), len(expected)) <= LINE and yours != expected
    if arrays and got.shape == want.shape and not told:
        with np.errstate(invalid="ignore"):
            distance = np.nan_to_num(np.abs(np.subtract(got, want, dtype=float)), nan=np.inf)
        place = np.unravel_index(distance.argmax(), want.shape)
        part = f"{part}[{', '.join(map(str, place))}]"
        yours, expected = (f"{x[place]:.9g}" for x in (got, want))
    return {"part": part, "yours": yours, "expected": expected}


def made(method, arguments):
    """The object that a method is called on: `LayerNorm(4)`."""
    return f"{method.partition('.')[0]}({', '.join(map(brief, arguments))})"


def extent(array):
    return f"an array of shape {array.shape}"


def brief(value):
    """An array on one line, with three digits: [[1 0] [0.5 2]]."""
    if isinstance(value, dict):
        return f"{len(value)} arrays by name"
    if isinstance(value, tuple):
        return f"({', '.join(map(brief, value))})"
    if callable(value):
        return getattr(value, "__name__", repr(value))
    if isinstance(value, np.ndarray) and value.ndim:
        return extent(value) if value.size > LARGE else f"[{' '.join(map(brief, value))}]"
    if isinstance(value, (float, np.floating)) or getattr(value, "dtype", None) == float:
        return f"{float(value) + 0.0:.4g}"
    return str(value) if isinstance(value, np.generic) else repr(value)[:200]
