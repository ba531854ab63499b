"""The checks are checked: the reference and other right answers pass, the blank is blank, and every
known wrong answer is named as itself, alone and together with another one.

Every class of every dayN/checks/*.py is covered, and every answer of tests/right_answers.
"""

import ast
import functools
import importlib
import itertools
import json
import re
import sys
import textwrap
import time
from collections import Counter, defaultdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from study import judge, naming
from study.exercises import blank, find, functions, get
from study.naming import (
    copied,
    members,
    name,
    outcome,
    overrides,
    same,
    sentence,
    wrong_answer,
)
from study.tensors import in_numpy

import measure_slips
from learner import ROOT, judged

RIGHT = Path(__file__).parent / "right_answers"
DRAWN = 40  # pairs of slips, of a check that asks an answer many times over (`reading`)


class Case:
    """One exercise: its check, its lesson, the reference's functions, the calls of the check."""

    def __init__(self, path, exercise):
        self.exercise, self.lesson = exercise, path.parent.parent / path.name
        if str(self.lesson.parent) not in sys.path:
            sys.path.append(str(self.lesson.parent))
        self.reference = importlib.import_module(self.lesson.stem)
        self.check = judge.load_check(path, exercise)
        found = find(self.lesson.read_text("utf-8"))
        self.names = [e.name for e in found if e.id == exercise]
        self.right = in_numpy(self.check, {n: get(self.reference, n) for n in self.names})
        self.calls = list(self.check.calls(np.random.default_rng(0)))
        rng = np.random.default_rng(1)
        self.random = [self.check.random_call(rng) for _ in range(30)]

    def outcomes(self, functions, calls=None):
        return [outcome(functions, copied(call)) for call in calls or self.calls]

    def slips(self):
        return members(self.check, "slips")

    def learners(self, bodies, extra=()):
        """The text of a learner's file: the blank with these functions (ast nodes) put in."""
        tree = ast.parse(blank(self.lesson.read_text("utf-8")))
        for prefix, node in list(functions(tree)):
            if (name := prefix + node.name) in self.names:
                holder = next(n for n in (tree, *tree.body) if node in getattr(n, "body", ()))
                holder.body[holder.body.index(node)] = bodies(node, name)
        tree.body.extend(extra)
        return ast.unparse(ast.fix_missing_locations(tree))

    def verdict_on(self, functions, folder):
        """What the judge says of a learner's file whose functions behave like these."""

        def calling(node, name):
            given = ", ".join(a.arg for a in node.args.args)
            source = f"def f():\n import the_answer as a\n return vars(a)[{name!r}]({given})"
            node.body[-1:] = ast.parse(source).body[0].body
            return node

        raw = {n: getattr(f, "__wrapped__", f) for n, f in functions.items()}
        sys.modules["the_answer"] = SimpleNamespace(**raw)
        try:
            return self.verdict(self.learners(calling), folder)
        finally:
            del sys.modules["the_answer"]

    def verdict(self, source, folder):
        """What the judge says of a learner's file with this text."""
        return judged(self.exercise, self.lesson, source, folder)


def classes(path):
    """The names of the classes exercise_... of a file."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("exercise_"):
            yield node.name


def number(name):
    """The id of the exercise that a class is for: exercise_1_4__einsum is for 1.4."""
    return name.split("__")[0].removeprefix("exercise_").replace("_", ".")


CASES = [(p, number(n)) for p in sorted(ROOT.glob("day*/checks/*.py")) for n in classes(p)]
ANSWERS = [(p, n) for p in sorted(RIGHT.glob("*.py")) for n in classes(p)]
the_case = functools.cache(Case)


@pytest.fixture(params=CASES, ids=lambda chosen: chosen[1])
def case(request):
    return the_case(*request.param)


def test_the_ids_of_a_file_are_in_order_and_the_lessons():
    for path in {path for path, _ in CASES}:
        written = [exercise for p, exercise in CASES if p == path]
        assert written == sorted(written, key=lambda e: [int(n) for n in e.split(".")])
        lesson = path.parent.parent / path.name
        assert set(written) <= {e.id for e in find(lesson.read_text("utf-8"))}


def test_the_reference_is_right(case, tmp_path):
    told = case.verdict(case.lesson.read_text("utf-8"), tmp_path)
    assert told == {"status": "right"}


def test_the_blank_is_blank(case, tmp_path):
    told = case.verdict(blank(case.lesson.read_text("utf-8")), tmp_path)
    assert told["status"] == "blank"
    assert any(n in told["message"] for n in (*case.names, f"exercise {case.exercise}"))


def test_the_steps_make_the_reference(case):
    whole = wrong_answer(case.check, {})
    assert whole.keys() == case.right.keys()
    for call in case.calls + case.random:
        expected = outcome(case.right, copied(call))
        assert expected[0] == "value", (call, expected)
        assert same(outcome(whole, copied(call)), expected), call


def test_what_the_docstring_refuses_is_refused(case):
    for call in getattr(case.check, "refusals", lambda rng: ())(np.random.default_rng(2)):
        assert outcome(case.right, call)[:2] == ("error", "ValueError"), call


def test_every_slip_is_named_as_itself(case):
    expected, steps = case.outcomes(case.right), members(case.check, "steps")
    for known, slip in case.slips().items():
        changed = overrides(known, slip)
        assert changed and changed.keys() <= steps.keys() | case.right.keys(), known
        seen = case.outcomes(wrong_answer(case.check, changed))
        assert not equal(seen, expected), f"nothing tells {known} from the right answer"
        named = name(case.check, case.calls, seen, seconds=0)
        assert [sentence(case.slips()[n]) for n in named] == [sentence(slip)], (known, named)


@pytest.mark.slow
def test_the_judge_names_a_slip_with_an_example(case, tmp_path):
    unseen, slips = [], list(case.slips().items())
    if hasattr(case.check, "reading"):
        slips = [slips[i] for i in np.random.default_rng(6).permutation(len(slips))[:12]]
    for known, slip in slips:
        functions = wrong_answer(case.check, overrides(known, slip))
        told = case.verdict_on(functions, tmp_path)
        assert told["status"] == "wrong", known
        assert told["message"] == sentence(slip), known
        assert told["example"] and told["yours"] and told["expected"]
        unseen += [known] if told["yours"] == told["expected"] else []
    # a difference in the fourth digit, or in an array that is too large to be shown
    assert len(unseen) <= 1, unseen


@pytest.mark.slow
def test_pairs_of_slips_are_named_or_left_alone(case):
    """Both, or the outer one, or nothing; and never a slip that does something else."""
    slips, count, others, unnamed, asked = case.slips(), Counter(), [], [], defaultdict(list)
    answers = {(known,): overrides(known, slip) for known, slip in slips.items()}
    pairs = [
        (a, b)
        for a, b in itertools.combinations(slips, 2)
        if not answers[a,].keys() & answers[b,].keys()
    ]
    if hasattr(case.check, "reading"):
        pairs = [pairs[i] for i in np.random.default_rng(5).permutation(len(pairs))[:DRAWN]]
    for a, b in pairs:
        answers[a, b] = answers[a,] | answers[b,]
    seen = {
        who: case.outcomes(wrong_answer(case.check, changed)) for who, changed in answers.items()
    }
    expected = case.outcomes(case.right)
    alike = groups(seen)
    for who in answers:
        if len(who) == 1:
            continue
        if equal(seen[who], expected):
            count["right"] += 1
            continue
        known = asked[frozenset(alike[who])]
        named = next((named for before, named in known if equal(before, seen[who])), None)
        if named is None:
            named = name(only(case.check, alike[who]), case.calls, seen[who], seconds=60)
            known.append((seen[who], named))
        both, told = ({sentence(slips[n]) for n in names} for names in (who, named))
        if told <= both:
            kind = "both" if told == both else "the outer one" if told else "nothing"
            count[kind] += 1
            if not told:
                unnamed.append(who)
            continue
        results = [
            case.outcomes(wrong_answer(case.check, answers[names]), case.random)
            for names in (who, tuple(named))
        ]
        if equal(*results):
            count["another"] += 1
            others.append((who, named))
        else:  # the judge asks the random calls too, and names nothing
            count["nothing"] += 1
            unnamed.append(who)
    print(f"\n{case.exercise}: {len(slips)} slips, {count.total()} pairs: {dict(count)}")
    for who, named in others:
        print(f"  {' and '.join(who)}: like {', '.join(named)}")
    print("  not named:", ", ".join(" and ".join(who) for who in unnamed) or "none")
    # such a slip lends its name to whatever else fails everywhere: its sentence must fit that too
    failing = [n for n in slips if all(same(result, seen[n,][0]) for result in seen[n,])]
    print("  fail alike on every call:", ", ".join(failing) or "none")
    assert count["nothing"] <= 0.1 * count.total(), unnamed
    if hasattr(case.check, "reading"):  # the pairs that were not drawn may fit, too
        return
    # the whole bank, as the judge asks it
    chosen = [who for who in answers if len(who) == 2]
    picks = np.random.default_rng(3).permutation(len(chosen))[:5]
    for who in (chosen[i] for i in picks):
        start = time.monotonic()
        named = name(case.check, case.calls, seen[who], seconds=60)
        part = name(only(case.check, alike[who]), case.calls, seen[who], seconds=60)
        assert named == part, who
        print(f"  {' and '.join(who)}: {', '.join(named)} in {time.monotonic() - start:.2f} s")


def equal(a, b):
    """Whether two lists of outcomes agree as far as naming looks."""
    return all(same(x, y, naming.NAMING) for x, y in zip(a, b, strict=True))


def groups(seen):
    """For each answer, the slips of all the answers that may have the same outcomes."""
    buckets = defaultdict(list)
    for who, outcomes in seen.items():
        shape, numbers = [], [np.zeros(1)]
        for result in outcomes:
            # of an error the type alone: naming may take two messages for one
            flattened(result[1], shape, numbers)
        buckets[repr(shape)].append(
            (who, np.nan_to_num(np.concatenate(numbers), nan=1e4, posinf=2e4, neginf=3e4))
        )
    alike = {}
    for bucket in buckets.values():
        table = np.stack([numbers for _, numbers in bucket])
        # answers that agree within `near` have sums that agree within its sum
        near = 3 * naming.NAMING * (1 + np.abs(table))
        signs = np.random.default_rng(4).choice([-1, 1], size=table.shape[1])
        sums, reach = table @ signs, near.sum(axis=1)
        for i, (who, numbers) in enumerate(bucket):
            close = np.flatnonzero(np.abs(sums - sums[i]) <= reach[i])
            close = close[(np.abs(table[close] - numbers) <= near[i]).all(axis=1)]
            alike[who] = {n for c in close for n in bucket[c][0]}
    return alike


def flattened(result, shape, numbers):
    if isinstance(result, tuple):
        shape.append(len(result))
        for part in result:
            flattened(part, shape, numbers)
    elif isinstance(result, (np.ndarray, np.generic, float)):
        result = np.asarray(result)
        shape.append((result.shape, result.dtype == bool))
        numbers.append(result.ravel().astype(float))
    else:
        shape.append(result)


def only(check, names):
    """The check with these slips alone, in their order."""
    slips = {n: slip for n, slip in members(check, "slips").items() if n in names}
    return type(
        "part", (check,), {"__module__": check.__module__, "slips": type("slips", (), slips)}
    )


def test_right_in_another_convention_passes_with_a_note(case, tmp_path):
    for known, other in members(case.check, "accepts").items():
        functions = wrong_answer(case.check, overrides(known, other))
        told = case.verdict_on(functions, tmp_path)
        assert (told["status"], told["note"]) == ("right", sentence(other)), known


def test_an_answer_that_should_be_one_number_is_told_by_its_form(tmp_path):
    (case,) = (the_case(p, e) for p, e in CASES if e == "2.2")
    for body, said in (
        ("return 1.5, ids", "returns 2 things, not one number"),
        ("return 'little'", "is a str, not a number"),
        ("return [1.5]", "is a list, not a number"),
        ("return probabilities", "has the shape (2, 2), not of one number"),
        ("return float('nan')", "holds NaN"),
        ("return True", "has the type bool"),
        ("return 3", "A table that knows nothing costs 3, not ln 2"),
        ("return 10**400", "has the type object"),
        ("return 1 / 0", "ZeroDivisionError"),
    ):
        answer = ast.parse(f"def table_loss(probabilities, ids):\n {body}").body[0]
        told = case.verdict(case.learners(lambda node, name, answer=answer: answer), tmp_path)
        assert (told["status"], said in told["message"]) == ("wrong", True), (body, told)
        assert (told["expected"] == "a number") == ("Zero" in said)


def test_functions_and_sizes_stand_in_an_example_by_name(tmp_path):
    shown = {
        "2.9": ("return x", {"branch": "squared", "norm": "mean_removed"}),
        "2.10": ("x *= 0\n return x", {"x": "[[1 2 3] [4 5 -6]]", "p": "0.5"}),
        "2.11": (
            "return config.n_embd",
            {"config": "vocab_size 5, context 3, n_layer 2, n_head 2, n_embd 4, rotary"},
        ),
    }
    for path, exercise in CASES:
        if exercise in shown:
            case, (body, wanted) = the_case(path, exercise), shown[exercise]
            answer = ast.parse(f"def answer():\n {body}").body[0]

            def own(node, name, answer=answer):
                node.body = answer.body
                return node

            told = case.verdict(case.learners(own), tmp_path)
            assert told["status"] == "wrong" and told["example"].items() >= wanted.items(), told
            assert ("changes its input x" in told["message"]) == (exercise == "2.10")


@pytest.mark.parametrize(
    ("exercise", "changes", "kind", "said", "shown"),
    [
        (  # each function has a fault of its own: one is told, and its example is shown
            "3.4",
            {"F.gelu(self.widen(x), approximate=self.gelu)": "F.relu(self.widen(x))",
             "return x + self.dropout(": "return 0.9 * x + self.dropout("},
            "slip", "bends by ReLU", ("FeedForward.forward", "result", "n_head=1, n_embd=2"),
        ),
        (  # what is wrong at once is told before what is wrong in pieces
            "3.4",
            {"F.gelu(self.widen(x), approximate=self.gelu)": "F.elu(self.widen(x))",
             "self.norm_1(x), cache))": "self.norm_1(x)))"},
            "unknown", "no slip we know", ("FeedForward.forward", "result", ""),
        ),
        (
            "3.4",
            {"return x + self.dropout(": "return 0.9 * x + self.dropout("},
            "property", "branches that say 0",
            ("TransformerBlock.forward", "result of silent branches", ""),
        ),
        (  # a row that hardly varies shows where eps stands
            "3.1",
            {"eps=1e-5": "eps=1e-6"},
            "slip", "Right but for eps", ("LayerNorm.forward", "result", ""),
        ),
        (
            "2.5",
            {"[:, None]).mean()": "[:, None]).sum()"},
            "slip", "the sum over all targets", ("cross_entropy", "loss", ""),
        ),
        (  # a guard that is right is not blamed for a step that was rounded down to 0
            "4.11",
            {"math.ceil(micro_batch / parts)": "micro_batch // parts",
             "steps count from 1, and this is {step}\")\n    if step <=": "no\")\n    if step <="},
            "slip", "Micro-batch 1 became step 0", ("warmup_cosine_of", "result", ""),
        ),
        (  # the case is the one that the sentence speaks of
            "4.11",
            {"if step <= warmup:\n        return step": "if step < warmup:\n        return (step - 1)"},
            "slip", "Warm-up begins at 0", ("warmup_cosine", "result", ""),
        ),
        (
            "4.11",
            {"if step <= warmup:\n        return step / warmup":
             "if step <= warmup:\n        return 0.9 * step / warmup"},
            "property", "Step 4, the last of the warm-up", ("warmup_cosine", "result", ""),
        ),
        (
            "4.11",
            {"if step <= warmup:": "if step < warmup:", "done = min(1, (step - warmup) / max(1, steps - warmup))":
             "done = (step - warmup) / (steps - warmup)"},
            "slip", "step 13 of 10", ("warmup_cosine", "result", ""),
        ),
        (
            "4.6",
            {"attention_backward(split_heads(d_mixed, H),": "attention_backward(d_mixed,"},
            "slip", "still merged", ("multi_head_backward", "result", ""),
        ),
        (
            "4.2",
            {"x.reshape(-1, C).T @ rows": "x.swapaxes(-1, -2) @ d_y"},
            "slip", "one table of rows", ("linear_backward", "d_w", ""),
        ),
    ],
)  # fmt: skip
def test_the_example_shows_what_the_sentence_tells(exercise, changes, kind, said, shown, tmp_path):
    (case,) = (the_case(p, e) for p, e in CASES if e == exercise)
    source = case.lesson.read_text("utf-8")
    for right, wrong in changes.items():
        assert source.count(right) == 1
        source = source.replace(right, wrong)
    told = case.verdict(source, tmp_path)
    assert (told["kind"], said in told["message"]) == (kind, True), told
    function, part, config = shown
    assert (told["function"], told["part"].split("[")[0]) == (function, part)
    assert config in told["example"].get("self", ""), told["example"]
    if exercise == "3.1":
        assert told["example"]["x"] == "[[0 0 0.002 0.002]]"
    if number := re.search(r"[Ss]tep (\d+)", told["message"]):
        step = told["example"].get("step", "0" if told["yours"] == "ValueError" else None)
        assert step == number[1]


def test_properties_hold_and_each_is_broken_by_a_slip(case):
    calls = case.calls + case.random
    properties = members(case.check, "properties")
    books = SimpleNamespace(**case.right)
    right = SimpleNamespace(**case.right, books=books)
    expected = case.outcomes(case.right, calls)
    for title, call, result in meetings(case, properties, calls, expected):
        told = properties[title](right, result, *copied(call)[1:])
        assert told is None, (title, told, call)
    unbroken = set(properties)
    for known, slip in case.slips().items():
        functions = wrong_answer(case.check, overrides(known, slip))
        f, seen = SimpleNamespace(**functions, books=books), case.outcomes(functions)
        for title, call, result in meetings(case, unbroken.copy(), case.calls, seen):
            try:
                with np.errstate(all="ignore"):
                    told = properties[title](f, result, *copied(call)[1:])
            except Exception:  # noqa: BLE001, S112  a result of another shape
                continue
            if told:
                assert len(told) <= 200 and told.endswith((".", "?")), told
                unbroken.discard(title)
    assert not unbroken, "no slip breaks these"


def meetings(case, titles, calls, outcomes):
    """Each property with each call of the function that it is for, and the result of the call."""
    for title, (call, seen) in itertools.product(titles, zip(calls, outcomes, strict=True)):
        owner = title.split("__")[0]
        if seen[0] == "value" and (owner not in case.right or owner == call[0]):
            yield title, call, seen[1]


CODE = re.compile(r"`|@|=|\[|_|\w\(|\b(np|torch|math|F|nn)\.\w")


def test_words_are_short_kind_and_give_nothing_away(case):
    check = case.check
    assert len(check.title) <= 40 and 5 <= check.minutes <= 90
    assert len(check.hints) == 4
    for hint in check.hints:
        assert len(textwrap.wrap(hint, 95)) <= 3, hint
    for hint in check.hints[:2]:
        assert not CODE.search(hint), hint
        assert not any(re.search(rf"\b{n}\b", hint) for n in case.right if n != "attention"), hint
    words = [*check.hints]
    for kind in ("slips", "accepts"):
        words += [sentence(slip) for slip in members(check, kind).values()]
        for known, slip in members(check, kind).items():
            assert len(sentence(slip)) <= 230, (known, len(sentence(slip)))
    for text in words:
        assert not re.search(r"\b(house|door|kill)|you wrote", text, re.IGNORECASE), text
        assert text.rstrip().endswith((".", "?", "!")), text


def case_of(path, answer):
    """The case that an answer is for, or None."""
    for p, e in CASES:
        if e == number(answer) and f"{p.parent.parent.name}_{p.stem}" == path.stem:
            return the_case(p, e)
    return None


@pytest.mark.parametrize(
    ("path", "answer"), ANSWERS, ids=lambda given: getattr(given, "stem", given)
)
def test_right_answers_written_otherwise_pass(path, answer, tmp_path):
    case = case_of(path, answer)
    assert case, f"{path.name} answers an exercise that has no check"
    body = ast.parse(path.read_text("utf-8")).body
    (chosen,) = (node for node in body if getattr(node, "name", None) == answer)
    own = {prefix + node.name: node for prefix, node in functions(chosen)}
    assert own.keys() == set(case.names)
    # a learner's file has the lesson's functions in it
    extra = [n for n in body if getattr(n, "module", None) != case.lesson.stem]
    extra = [n for n in extra if not isinstance(n, (ast.ClassDef, ast.Expr))]
    told = case.verdict(case.learners(lambda node, name: own[name], extra), tmp_path)
    assert told["status"] == "right", told


def test_every_exercise_has_three_right_answers_written_otherwise():
    written = Counter(case_of(path, answer).exercise for path, answer in ANSWERS)
    assert {e: written[e] for _, e in CASES if written[e] < 3} == {}


def test_what_is_read_of_tensors_can_be_shown(tmp_path):
    """A flag is True or False, and an answer that cannot be read is beside no error."""
    case = the_case(ROOT / "day2" / "checks" / "bigram.py", "2.3")
    told = [
        case.verdict_on(wrong_answer(case.check, overrides(n, case.slips()[n])), tmp_path)
        for n in ("starts__without_generator", "give__floats")
    ]
    assert [(v["yours"], v["expected"]) for v in told] == [
        ("False", "True"),
        ("TypeError", "no error"),
    ]


def test_every_call_on_tensors_starts_from_the_same_random_numbers():
    import torch

    case = the_case(ROOT / "day2" / "checks" / "bigram.py", "2.3")
    plain = type("plain", (), {"__module__": case.check.__module__})
    throw = in_numpy(plain, {"throw": lambda n: torch.rand(n)})["throw"]
    first = throw(3)
    torch.manual_seed(1)
    assert (throw(3) == first).all()


@pytest.mark.slow
@pytest.mark.parametrize("day", measure_slips.DAYS)
def test_the_record_of_what_is_caught_is_what_happens(day):
    """Every answer by writers who had not seen the bank is caught, with the message that was judged."""
    wrong = measure_slips.answers(day)
    assert len(wrong) >= 60
    for answer, told in zip(wrong, measure_slips.verdicts(wrong), strict=True):
        assert told["status"] != "right", answer["label"]
        assert measure_slips.message(told) == answer["message"], answer["label"]
    row = json.loads(measure_slips.record(day).read_text("utf-8"))
    assert row["all"] == measure_slips.counts(wrong, [{"status": "wrong"}] * len(wrong))
    assert row["all"]["named"] >= 2 / 3 * row["all"]["answers"]
    assert row["all"].get("wrong", 0) <= 0.03 * row["all"]["answers"]
    assert row["bank"] == measure_slips.bank(day)
