"""A task of your own: write it as a text, train on it, grade the answers that were never seen.

A GPT learns whatever a text repeats. Here it turns words round, sorts digits, or adds. The trainer
stays as it is: write a function like `reversed_words`, and the rest holds for any questions with
short answers. Each item is one line of the text, no item stands there twice, and the lines are of
one length, so that the last tenth, which the trainer keeps apart, begins with a new line: what is
graded was never trained on.

    python day3/own_task.py             a minute: writes day3/out/task.txt, trains, grades
    python day3/own_task.py sorted      another task; added is the third
    python day3/train.py --data day3/out/task.txt --size tiny        the same text, any setting
"""

import math
import random
import sys
from itertools import product
from pathlib import Path

import torch

import checkpoint
import evaluate
import machine
from run import Run
from settings import Settings, with_size
from text import split

HERE = Path(__file__).parent
STEPS = 240
WHOLE = "reversed, windows of whole lines"  # a trap: see `train`


def reversed_words():
    """Every question once, with its answer: four letters, and the same backwards."""
    for letters in product("abcdefghij", repeat=4):
        word = "".join(letters)
        yield f"{word}=", word[::-1]


def sorted_digits():
    """Four digits, and the same in order."""
    for digits in product("0123456789", repeat=4):
        yield f"{''.join(digits)}=", "".join(sorted(digits))


def added_numbers():
    """Two numbers below 100 and their sum, its ones first: no digit needs one that comes later."""
    for a, b in product(range(100), repeat=2):
        yield f"{a:02}+{b:02}=", f"{a + b:03}"[::-1]


TASKS = {"reversed": reversed_words, "sorted": sorted_digits, "added": added_numbers}


def write(pairs, seed=0):
    """Questions and answers, shuffled, a line each -> the text to train on.

    ValueError where an item stands there twice, a length differs, or a question does not end in "=".
    """
    lines = [f"{question}{answer}\n" for question, answer in pairs]
    lengths = {(line.find("="), len(line)) for line in lines}
    if len(set(lines)) < len(lines) or len(lengths) > 1 or not all("=" in line for line in lines):
        raise ValueError(
            'every item once, "=" at the end of every question; all questions of one length, and '
            "all answers: pad the shorter ones"
        )
    random.Random(seed).shuffle(lines)
    return "".join(lines[: len(lines) // 10 * 10])  # so that the split falls between two lines


def grade(run, lines):
    """The share of answers that are right to the last character, greedily read, and the wrong ones."""
    questions = [line[: line.index("=") + 1] for line in lines]
    length = len(lines[0]) - len(questions[0])
    ids = torch.stack([run.alphabet.encode("\n" + question) for question in questions])
    run.model.eval()
    drawn = torch.stack(list(run.model.generate(ids, length, temperature=0)), dim=1)
    answers = [q + run.alphabet.decode(row) for q, row in zip(questions, drawn, strict=True)]
    wrong = [(got, line) for got, line in zip(answers, lines, strict=True) if got != line]
    return 1 - len(wrong) / len(lines), wrong


def train(text, seed=1, precision="float32", steps=STEPS, report=None, context=None):
    """The book's trainer on this text -> the run; report(run) is called ten times on the way."""
    # one more than whole lines: else all windows of an epoch would begin at one place of a line
    context = context or 6 * width(text) + 1
    settings = Settings(steps=steps, seed=seed, precision=precision, batch=64, context=context)
    module = checkpoint.load_module(HERE / "model.py")
    run = Run(with_size(settings, "tiny"), module, text, "cpu")
    while run.step < steps:
        run.take_step()
        if report and run.step % (steps // 10) == 0:
            report(run)
    return run


def width(text):
    """The characters of a line, its end with it."""
    return text.index("\n") + 1


def loss(run, text):
    """Nats per character of what is kept apart; every window begins with a new line."""
    return evaluate.loss(run.model, run.validation, 6 * width(text))


def parts(text):
    """The lines that are trained on, and those that are kept apart."""
    return [part.splitlines(keepends=True) for part in split(text)]


def floor(text):
    """Nats per character that nobody can save: of its questions any may come, answers are sure."""
    return math.log(len(text) // width(text)) / width(text)


def record(seed, precision):
    """Every task with one seed: what is right in the lines that were kept apart."""
    found = {}
    for name in (*TASKS, WHOLE):
        text, curve = write(TASKS[name.split(",")[0]]()), []

        def report(run, text=text, curve=curve):
            right, wrong = grade(run, parts(text)[1])
            row = {
                "step": run.step,
                "loss": round(loss(run, text), 4),
                "right": round(right, 4),
                "wrong": wrong[:3],
            }
            curve.append(row)

        context = 6 * width(text) if name == WHOLE else None
        run = train(text, seed, precision, report=report, context=context)
        learned = grade(run, parts(text)[0][:1000])[0]
        found[name] = {"floor": round(floor(text), 4), "learned": round(learned, 4), "curve": curve}
        print(f"{name}: {curve[-1]['right']} right, {curve[-1]['loss']} nats", flush=True)
    return {"tasks": found}


def main(arguments):
    """Write the text of a task, train on it, grade it; 2 for a task that there is not."""
    name = arguments[0] if arguments else "reversed"
    if name not in TASKS or len(arguments) > 1:
        print(f"own_task.py: there is no task {name!r}, only {', '.join(TASKS)}", file=sys.stderr)
        return 2
    text = write(TASKS[name]())
    path = HERE / "out" / "task.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    learned, unseen = parts(text)
    print(f"{path}: {len(learned):,} lines to learn, {len(unseen):,} kept apart, as {unseen[0]!r}")

    def report(run):
        right = grade(run, unseen)[0]
        print(f"step {run.step:4}  loss {loss(run, text):.3f}  right {right:6.1%}", flush=True)

    run = train(text, precision=machine.precision(), report=report)
    print(f"floor      loss {floor(text):.3f}: the questions are random, the answers are not")
    for got, line in grade(run, unseen)[1][:5]:
        print(f"wrong: {got!r}, right is {line!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
