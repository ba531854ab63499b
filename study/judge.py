"""Judge one exercise in a learner's file: run it on the check's probes, say what is wrong.

The verdict is a dictionary: status ("right", "wrong", "blank" or "stopped") and, where there is
something to say, message, kind, slips, way, function, example, shapes, part, yours, expected, note,
prints, traceback. study/checking.py adds exercise, title, file.
"""

import ast
import contextlib
import importlib
import importlib.util
import inspect
import linecache
import sys
from pathlib import Path
from types import ModuleType

import numpy as np

from study.exercises import find, first_line, get, put
from study.exercises import functions as written
from study.explain import Trial, explained
from study.naming import copied, members, name, outcome, same, sentence
from study.running import Prints, Stop, copied_answer, guarded, tried
from study.tensors import in_numpy


def load_check(path, exercise):
    """The check class of an exercise from dayN/checks/<module>.py."""
    key = f"checks_{path.parent.parent.name}_{path.stem}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[key] = module
    return getattr(sys.modules[key], "exercise_" + exercise.replace(".", "_"))


def verdict(exercise, mine, reference, check):
    """Judge one exercise of the file `mine`; reference is the lesson's module, already imported."""
    prints = Prints()
    try:
        with contextlib.redirect_stdout(prints), contextlib.redirect_stderr(prints):
            told = judged(exercise, mine, reference, check)
    except Stop as stop:
        told = {"status": stop.status, "message": str(stop), "traceback": stop.trace}
    if prints.kept and told["status"] != "right":
        told["prints"] = prints.kept
    return told


def judged(exercise, mine, reference, check):
    """The verdict, but for what was printed. Stop where there is nothing to compare."""
    module, names, blank = learners(exercise, mine, reference)
    waiting = Stop(f"Still blank: {' and '.join(sorted(blank))}.", "blank")
    if blank == set(names):
        raise waiting
    functions, right = (in_numpy(check, {n: get(m, n) for n in names}) for m in (module, reference))
    calls = [call for call in probes(check) if call[0] not in blank]
    expected = [outcome(right, copied(call)) for call in calls]
    outcomes, changed = run_all(functions, calls, mine)
    trial = Trial(check, mine, functions, right, calls, outcomes, expected, changed)
    if not trial.failing and changed is not None:
        raise Stop(
            f"The numbers are right, but {calls[changed[0]][0]} changes its input {changed[1]}. "
            "Work on a copy: x = x - 1 makes a new array, x -= 1 does not."
        )
    accepted = name(check, calls, outcomes, "accepts") if trial.failing else []
    if trial.failing and (changed is not None or not accepted):
        return explained(trial)
    if blank:
        raise waiting
    if accepted:
        return {"status": "right", "note": sentence(members(check, "accepts")[accepted[0]])}
    return {"status": "right"} | remarks(trial)


def probes(check):
    """The calls that an answer is judged by, the same every time: hand-sized ones first."""
    rng = np.random.default_rng(1)
    hand_sized = check.calls(np.random.default_rng(0))
    return [*hand_sized, *(check.random_call(rng) for _ in range(30))]


def learners(exercise, mine, reference):
    """The learner's module, every other exercise in it the reference's; and the names to judge."""
    try:
        source = mine.read_text("utf-8-sig")
    except FileNotFoundError:
        raise Stop(f"There is no {mine}: `study` makes it.", "stopped") from None
    except UnicodeDecodeError:
        raise Stop("The file is not UTF-8 text. Save it as UTF-8.") from None
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        shown = f" {(error.text or '').strip()}"
        raise Stop(f"Line {error.lineno} is not Python yet ({error.msg}):{shown}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Stop(f"The file is not Python yet: {error or 'an expression is too long'}") from None
    exercises = find(Path(reference.__file__).read_text("utf-8"))
    names = [e.name for e in exercises if e.id == exercise]
    sys.modules[reference.__name__] = None  # to import the answer is not to write it
    module = ModuleType("my_" + mine.stem)
    module.__file__ = str(mine)
    sys.modules[module.__name__] = module
    sys.path.append(str(mine.parent))  # for own helpers beside it
    lines = [f"{line}\n" for line in source.split("\n")]  # as Python counts them
    linecache.cache[str(mine)] = (len(source), None, lines, str(mine))
    guarded(lambda: exec(compile(source, str(mine), "exec"), vars(module)), mine)  # noqa: S102
    for other in exercises:
        if other.id != exercise and get(module, other.name) is not None:
            put(module, other.name, get(reference, other.name))
    for wanted in names:
        if not callable(get(module, wanted)):
            told = f"There is no function {wanted} in the file. `study reset {exercise}` brings it back."
            raise Stop(told)
        code = getattr(inspect.unwrap(get(module, wanted)), "__code__", None)
        if code is not None and code.co_filename == reference.__file__:
            raise Stop(copied_answer(reference.__name__))
    last = {prefix + node.name: node for prefix, node in written(tree)}
    blank = {n for n in names if n in last and is_blank(last[n], get(module, n))}
    return module, names, blank


def is_blank(node, function):
    """Whether a function is the one that this definition makes, and it only raises
    NotImplementedError.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None or not first_line(node) <= code.co_firstlineno <= node.end_lineno:
        return False
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return len(body) == 1 and ast.unparse(body[0]).startswith("raise NotImplementedError")


def run_all(functions, calls, mine):
    """Every probe twice, the second time in the other order: outcomes, first changed input.

    Stop where the two answers differ, where nothing comes back, where the function is blank.
    """
    outcomes, changed = [], None
    for number, call in enumerate(calls):
        given = copied(call)
        outcomes.append(tried(functions, given, mine))
        if changed is None and (argument := difference(functions[call[0]], given, call)):
            changed = number, argument
    for call, first in zip(reversed(calls), reversed(outcomes), strict=True):
        again = tried(functions, copied(call), mine)
        unlike = not same(again, first) and same(first, first)  # some results cannot be compared
        if unlike and not (again[0] == first[0] == "error" and again[1] == first[1]):
            raise Stop(
                f"{call[0]} gives two answers to the same call. Something outside it is kept from "
                "one call to the next, or drawn at random."
            )
    return outcomes, changed


def difference(function, given, call):
    """The name of the first argument that the call changed, or None."""
    names = list(inspect.signature(function).parameters)
    for number, (now, before) in enumerate(zip(given[1:], call[1:], strict=True)):
        olds, news = (x if isinstance(x, dict) else {"": x} for x in (before, now))
        arrays = {key: old for key, old in olds.items() if isinstance(old, np.ndarray)}
        if not all(np.array_equal(news.get(k), old, equal_nan=True) for k, old in arrays.items()):
            return names[number] if number < len(names) else f"number {number + 1}"
    return None


def remarks(trial):
    """A note on a right answer that takes what its docstring refuses."""
    for call in getattr(trial.check, "refusals", lambda rng: ())(np.random.default_rng(2)):
        with contextlib.suppress(Stop):  # it stops there in a way of its own: it is right, and told
            if trial.mine_on(call)[:2] == ("error", "ValueError"):
                continue
        what, why = call[0], trial.books_on(call)[2]
        note = f'where the book\'s {what} refuses with "{why}", yours does not.'
        return {"note": f"One thing for later: {note}"}
    return {}
