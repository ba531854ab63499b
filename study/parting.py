"""Where two computations part: what a function makes on its way, beside what the book's makes.

Two intermediate values agree where they hold the same numbers, whatever their axes, up to a factor:
who transposes later, or scales earlier, is on the same way.
"""

import linecache
import sys
import time
from inspect import unwrap

import numpy as np

RESULT = "the result"
SECONDS = 1.0  # a loop may have too many steps to look at


def parting(trial):
    """A sentence on the step at which the learner's way leaves the book's, or None.

    The wrong answer with the most numbers is asked, for there chance makes nothing agree.
    """
    wrong = [trial.calls[n] for n in trial.failing if trial.outcomes[n][0] == "value"]
    drawn = getattr(trial.check, "drawn", False)  # at random: it agrees with nothing
    if drawn or not wrong:  # or all of them end in an error
        return None
    call = max(wrong, key=lambda call: size(call[1:]))
    told_apart = not hasattr(trial.check, "reading")  # else its parts are not what is returned
    returns = getattr(trial.check, "returns", ()) if told_apart else ()
    books = steps(trial.books_on, call, codes(trial.right), returns=returns)
    yours = steps(trial.mine_on, call, codes(trial.functions), str(trial.mine), returns)
    names = {name for code in codes(trial.functions) for name in code.co_varnames}
    agree, times, last = {}, {}, -1
    for name, _, value in books:
        found = {n: f for n, (_, _, own) in enumerate(yours) if (f := factor(own, value))}
        if not found:
            break
        last = min(found, key=lambda n: abs(found[n] - 1))
        own = yours[last][0]  # the learner's name for it, where the book's is none of theirs
        own = name if name in names or own in (RESULT, *returns) else own
        off = abs(found[last] - 1) > 1e-6
        if off and times and own in (RESULT, *returns):  # a step before it has told the factor
            continue
        agree[f"`{own}`"] = None
        if off:
            often = 1 / found[last]
            shown = f"{often:.3g}" if f"{often:.3g}" != "1" else f"{often:.7g}"
            times[own] = f"`{own}` is {shown} times the book's"
    else:
        name = None
    astray = [line for _, line, own in yours[last + 1 :] if not known(own, books)]
    if not agree or (name and not astray) or (not name and not times):
        return None
    if name and len(agree) > 1:  # what was returned on the way is not the result that is wrong
        agree.pop(f"`{RESULT}`", None)
    told = f"On the way {listed(agree)} agree{'s' * (len(agree) == 1)} with the book's"
    if times:
        told += f", up to a factor: {listed(times.values())}"
    if name is None:
        return f"{told}."
    text = lambda line: linecache.getline(str(trial.mine), line).strip()
    named = [line for own, line, _ in yours[last + 1 :] if own == name]
    line = next((line for line in named if not text(line).startswith("return")), astray[0])
    where = f"lines {astray[0]} to {line}" if astray[0] < line else f"line {line}"
    where += f", `{text(line)}`"
    if name in {own for own, _, _ in yours}:
        return f"{told}. `{name}` does not: {where}"
    return f"{told}. The first step that is none of the book's: {where}"


def size(argument):
    """How many numbers an argument holds."""
    return sum(map(size, argument)) if isinstance(argument, tuple) else np.size(argument)


def listed(words):
    *most, last = words
    return f"{', '.join(most)}{' and ' if most else ''}{last}"


def codes(functions):
    return {unwrap(function).__code__ for function in functions.values()}


def steps(run, call, wanted, file=None, returns=()):
    """The values that a call makes on its way, in order: [(name, line, numbers)].

    Of the functions with these codes, and of all others of the file: the value of every local name
    after each line that changed it, and what is returned, its parts under their names in `returns`.
    The first of these codes that is entered is the answer; what runs after it looks at it only.
    """
    made, end, answer = [], time.process_time() + SECONDS, None

    def enter(frame, event, argument):
        nonlocal answer
        if frame.f_code not in wanted and frame.f_code.co_filename != file:
            return None
        if answer is None and frame.f_code in wanted:
            answer = frame
        before, line = {name: mark(v) for name, v in frame.f_locals.items()}, frame.f_lineno

        def inside(frame, event, argument):
            nonlocal line
            if time.process_time() > end:
                sys.settrace(None)
                frame.f_trace = None  # a None that is returned would change nothing
                return None
            for name, value in frame.f_locals.items():
                if name != "_" and before.get(name) != mark(value):
                    before[name] = mark(value)
                    keep(name, line, value)
            if event == "return":
                parts = argument if isinstance(argument, tuple) else (argument,)
                named = frame.f_code in wanted and len(parts) == len(returns)
                for name, part in zip(returns if named else [RESULT] * len(parts), parts):
                    keep(name, line, part)
                if frame is answer:
                    sys.settrace(None)
            line = frame.f_lineno
            return inside

        return inside

    def keep(name, line, value):
        for part in value if isinstance(value, tuple) else (value,):
            array = numbers(part)
            if array is not None and not any(same(array, old) for _, _, old in made):
                made.append((name, line, array))

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        run(call)
    finally:
        sys.settrace(before)
    return made


def mark(value):
    """What changes when a name is given another value, or its array other numbers."""
    array = numbers(value)
    return id(value), None if array is None else array.tobytes()


def numbers(value):
    """The finite numbers of an array or tensor, sorted; None for what says too little.

    Fewer than four different numbers are shared by too many steps: a mask, a row of ones.
    """
    if not hasattr(value, "shape"):
        return None
    array = np.asarray(value.detach() if hasattr(value, "detach") else value)
    if array.dtype.kind != "f":
        return None
    array = np.sort(array[np.isfinite(array) & (np.abs(array) < 1e8)], axis=None)
    return array if len(np.unique(array.round(9))) >= 4 else None


def same(a, b):
    return a.shape == b.shape and np.allclose(a, b, 1e-6, 1e-9)


def factor(a, b):
    """The number by which a has to be multiplied to be b, or None."""
    if a.shape != b.shape:
        return None
    for turned in (a, -a[::-1]):
        times = np.abs(b).sum() / np.abs(a).sum()
        if same(turned * times, b):
            return times if turned is a else -times
    return None


def known(own, books):
    return any(factor(own, value) is not None for _, _, value in books)
