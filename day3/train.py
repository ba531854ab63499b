"""Train a GPT on characters, and read what it writes.

For example:

    python day3/train.py                           two minutes, on this machine
    python day3/train.py --minutes 30              longer, larger, better
    python day3/train.py --data my.txt             any text of yours
    python day3/train.py --resume                  go on where a run was stopped
    python day3/train.py --model my/day3/model.py  the model that you wrote
"""

import dataclasses
import errno
import math
import os
import shlex
import signal
import statistics
import sys
import time
import traceback
from pathlib import Path

import torch.distributed as dist
import tyro

import beside
import checkpoint
import corpus
import critic
import evaluate
import grammar
import machine
import ngram
import summary
from plan import plan
from preflight import preflight
from processes import from_first, join_processes
from records import append_record, make_room, read_records, write_records
from run import CEILING, Run
from settings import EVALUATIONS, PART, Settings, bytes_to_train, check, command, program, with_size
from terminal import Terminal, utf8_output

SCENE = "Exeunt.\n\n"  # of the grammar plays: what follows begins a scene


def main(arguments=None):
    """The command: exit code 0, 1 for a run that failed, 2 for a wrong call, 130 for Ctrl-C."""
    # the seconds of processor time up to here are the imports: the command's clock starts before
    started = time.perf_counter() - time.process_time()
    utf8_output()
    settings = Settings()
    try:
        settings = at_home(tyro.cli(Settings, args=arguments, description=__doc__))
        return train(settings, started)
    except KeyboardInterrupt:
        print("\ntrain.py: stopped; what was saved before is kept", file=sys.stderr)
        return 130
    except FloatingPointError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    except NotImplementedError as error:
        print(f"train.py: {error} is still to be written in {settings.model}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"train.py: {error}{place(error)}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: {error.strerror}" if error.filename else error
        if error.errno in (errno.ENOSPC, errno.EFBIG):
            where = f"{where}; make room and go on with --resume, or choose a folder with --out"
        elif str(error.filename or "").startswith(str(settings.out)):
            where = f"{where}; choose a folder with --out"
        print(f"train.py: {where}", file=sys.stderr)
        return 2
    except Exception as error:
        where = place(error)
        if not where:
            raise
        print(f"train.py: {type(error).__name__}: {error}{where}", file=sys.stderr)
        return 2
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def place(error):
    """Where in the learner's own file an error arose: " (model.py, line 3)", else nothing."""
    own = getattr(sys.modules.get("model_given"), "__file__", None)  # as checkpoint.py calls it
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == own]
    return f" ({own}, line {frames[-1].lineno})" if frames else ""


def train(settings, started):
    """From settings to a finished run in settings.out; returns the exit code."""
    check(settings)
    rank, world = join_processes(settings)
    state = None
    if settings.resume:
        settings, state = resumed(settings)
    module = checkpoint.load_module(settings.model)
    device = machine.choose_device(settings.device, module, world)
    name, text = from_first(corpus.find(settings.data) if rank == 0 else None, world)
    if len(set(text)) < 2:
        raise ValueError("a text of one symbol has nothing to learn: give another with --data")
    plays = name == corpus.GRAMMAR
    if plays or (name != corpus.SHAKESPEARE and settings.data is None):  # to resume and repeat
        data = (
            "grammar"
            if plays
            else str(Path(os.environ["TINY_SHAKESPEARE"]).expanduser().absolute())
        )
        settings = dataclasses.replace(settings, data=data)
    with Terminal(quiet=rank > 0) as terminal:
        terminal.say(f"{name}: {len(text):,} characters, {len(set(text))} symbols")
        seconds = 0.0
        if state is None and settings.preflight and rank == 0:
            findings = questions(settings, module, text, device)
            terminal.say("\n".join(f"preflight: {finding}" for finding in findings or ["all well"]))
            if findings:
                terminal.say("Nothing was trained. --no-preflight goes on all the same.")
                return 1
        if state is None:
            # the grammar plays are also judged by their grammar, which takes a while
            until = started + settings.minutes * 60 - (11 if plays else 3)
            planned = plan(settings, module, text, device, until, world) if rank == 0 else None
            settings, seconds = from_first(planned, world)
        if settings.batch < world:
            raise ValueError(f"{world} processes cannot share a --batch of {settings.batch}")
        run = Run(settings, module, text, device, rank, world)
        terminal.say(first_lines(run, seconds))
        if state:
            run.restore(state)
            how = "bit for bit" if state["exact"] and run.exact() else "to about 1e-4"
            terminal.say(f"resumed at step {run.step}; the weights go on as they would, {how}")
        records = []
        if rank == 0:
            records, aside = make_room(settings.out, None if state is None else run.step)
            if aside:
                terminal.say(f"the run before is in {aside} now")
        if not go_through(run, records, terminal, plays):
            again = f"day3/train.py --resume{found_by(run, '--out', run.settings.out)}"
            terminal.say(
                f"\nstopped at step {run.step}, saved; go on with: {program(world)} {again}"
            )
            return 130
        if rank == 0:
            finish(run, records, text, terminal, plays)
            if settings.model.resolve() != beside.BOOKS:
                terminal.say(beside.beside(run.settings, module, text, device))
            terminal.say(f"{time.perf_counter() - started:.0f} seconds in all")
    return 0


def questions(settings, module, text, device):
    """The preflight's findings on the model to be trained, of the small size where none is given."""
    chosen = with_size(settings, settings.size or "small")
    chosen = dataclasses.replace(chosen, steps=1, precision="float32", compile=False)
    run = Run(chosen, module, text, device)
    return preflight(run.model, len(run.alphabet), chosen.context)


def at_home(settings):
    """The settings with paths that hold from any folder."""
    paths = {name: getattr(settings, name).expanduser().absolute() for name in ("out", "model")}
    if settings.data and settings.data != "grammar":
        paths["data"] = str(Path(settings.data).expanduser().absolute())
    return dataclasses.replace(settings, **paths)


def first_lines(run, seconds):
    """What will be trained, how long it takes, and how to repeat it."""
    s = run.settings
    parameters = sum(p.numel() for p in run.model.parameters())
    end = time.strftime("%H:%M:%S", time.localtime(time.time() + seconds))
    mebibytes = bytes_to_train(parameters, s.optimizer) / 2**20
    return (
        f"{s.size}: {s.n_layer} layers, {s.n_embd} channels, {parameters / 1e6:.2f} M parameters, "
        f"{mebibytes:.0f} MiB and activations\n"
        f"{s.steps} steps of {s.batch} x {s.context} characters on {run.device} in {s.precision}"
        + (f": {seconds:.0f} s, until {end}" if seconds else "")
        + f"\nto repeat it: {command(s, run.world)}"
    )


def resumed(settings):
    """The settings of the run to go on with, and its checkpoint."""
    state = checkpoint.load(settings.out / "gpt.pt")
    names = {field.name for field in dataclasses.fields(Settings)}
    if state["settings"].keys() != names:
        raise ValueError("this run was made by another version of the book: start anew")
    saved = {k: Path(v) if k in ("out", "model") else v for k, v in state["settings"].items()}
    free = {"resume", "out", "preflight", "device", "data", "model"}
    for field in dataclasses.fields(Settings):
        value = getattr(settings, field.name)
        if field.name not in free and value not in (field.default, saved.get(field.name)):
            flag = field.name.replace("_", "-")
            raise ValueError(f"--resume goes on with the run's own settings: leave out --{flag}")
    finished = any("final" in record for record in read_records(settings.out))
    if state["step"] >= saved["steps"] and finished:
        raise ValueError(
            f"the run in {settings.out} is complete: read it with python day3/sample.py, or start "
            "another without --resume"
        )
    saved |= {"out": settings.out, "data": settings.data or saved["data"], "resume": True}
    if settings.device != "auto":
        saved["device"] = settings.device
    given = settings.model != Settings().model
    saved["model"] = settings.model if given else checkpoint.model_of(state)
    return Settings(**saved), state


def go_through(run, records, terminal, plays):
    """Take all the steps, with an evaluation, a sample and a checkpoint now and then.

    False where Ctrl-C ended it early; the run is then saved.
    """
    steps = run.settings.steps
    stops = {round(steps * i / EVALUATIONS) for i in range(EVALUATIONS + 1)}
    stop, usual = [], signal.getsignal(signal.SIGINT)

    def ask(*_):
        stop.append(True)
        signal.signal(signal.SIGINT, usual)  # a second Ctrl-C does not wait
        terminal.say("stopping after this step")

    signal.signal(signal.SIGINT, ask)
    clock = time.perf_counter() - run.seconds
    losses, norm, scale = [], 0.0, 0.0
    try:
        while True:
            run.seconds = time.perf_counter() - clock
            if run.step in stops and not (records and records[-1]["step"] == run.step):
                if run.rank == 0:
                    take_stock(run, records, losses, norm, scale, terminal, plays)
                losses = []
            if from_first(bool(stop), run.world):
                if run.rank == 0:
                    run.save()
                return False
            if run.step >= steps:
                return True
            loss, norm, scale = run.take_step()
            losses.append(loss)
            terminal.progress(run.step, steps)
    finally:
        signal.signal(signal.SIGINT, usual)


def take_stock(run, records, losses, norm, scale, terminal, plays):
    """Evaluate on a part of the validation split, save, record it, print a line."""
    s, done = run.settings, run.step
    validation = run.loss(run.validation[: PART + 1])
    if not math.isfinite(validation):
        raise FloatingPointError(f"the loss is not a number at step {done}: {run.advice}")
    train = statistics.mean(losses) if losses else run.loss(run.training[: PART + 1])
    speed = done * s.batch * s.context / max(run.seconds, 1e-9)
    record = {
        "step": done,
        "seconds": round(run.seconds, 2),
        "train": round(train, 6),
        "validation": round(validation, 6),
        "learning_rate": round(scale, 4),
        "gradient_norm": round(norm, 4),
        "clipped_norm": round(min(norm, CEILING), 4),
        "characters_per_second": round(speed),
    }
    read = done * s.batch * s.context >= len(
        run.training
    )  # what was never read is not known by heart
    if read and evaluate.overfits([*records, record]):
        record["overfits"] = True
    if plays:
        record["skills"] = critic.skills(run.write(300, prompt=SCENE, rows=8))
    if done in (0, *(round(s.steps * i / EVALUATIONS) for i in (1, 3, 6))):
        record["sample"] = run.write(120)
    records.append(record)
    append_record(s.out, record)  # before the checkpoint: a resume drops what is ahead of it
    run.save()
    line = f"step {done:>5}/{s.steps}  train {train:.3f}  validation {validation:.3f}"
    if done:
        rest = (s.steps - done) * run.seconds / done
        line += f"  {speed:,.0f} chars/s  {rest:.0f} s left"
    terminal.say(line)
    if "overfits" in record:
        terminal.say("    validation rises while training falls: it learns its text by heart")
        terminal.say("    (fewer --steps, more --dropout or more text)")
    if "sample" in record:
        terminal.say("    " + record["sample"].strip("\n").replace("\n", "\n    "))


def finish(run, records, text, terminal, plays):
    """The whole validation split, once, beside the baselines; a picture, a long sample."""
    out, V = run.settings.out, len(run.alphabet)
    final = run.loss(run.validation)
    baselines = ngram.baselines(run.training.numpy(), run.validation.numpy(), V)
    if plays:
        start = len(run.training) + 1  # the first character of the split is not predicted
        best = -grammar.log_probability(text, start) / (len(run.validation) - 1)
        baselines["the grammar itself"] = best
        baselines["its entropy, over all plays"] = grammar.entropy()
    sample = run.write(600)
    terminal.say(f"\n{sample}\n")
    table = summary.table(baselines | {"this GPT, whole validation split": final})
    terminal.say("\n".join(table))
    (out / "sample.txt").write_text(sample, encoding="utf-8")
    summary.draw(records, baselines, out / "loss.png")
    if plays:
        summary.draw_skills(records, out / "skills.png")
        written = run.write(1300, prompt=SCENE, rows=8)
        terminal.say("\n".join(["", *summary.grammar_report(written, text)]))
    last = {"step": run.step, "final": final, "baselines": baselines, "sample": sample}
    write_records(out, [*records, last])  # from here on the run counts as complete
    failed = write_page(run)
    where = found_by(run, "--checkpoint", out / "gpt.pt")
    terminal.say(
        f"\nin {out}: gpt.pt, {'' if failed else 'gpt.html, '}loss.png, metrics.jsonl, sample.txt"
        f"{', skills.png' * plays}{failed}\n"
        f"next: python day3/sample.py{where} --temperature 0.7\n"
        "      python day3/train.py --minutes 10\n"
        "      python day3/train.py --data FILE, any text of yours"
        + ("" if failed else "\n      open gpt.html in a browser, or send it to a friend")
    )


def write_page(run):
    """The model as gpt.html -> nothing, or a line that says why there is none.

    The run is complete and saved: whatever the page meets, a run does not fail by it.
    """
    out = run.settings.out
    try:
        import share

        share.write(out / "gpt.pt", out / "gpt.html", run.settings.model)
    except Exception as error:  # noqa: BLE001 - also of a model file that only training fits
        return f"\nno gpt.html: {error}"
    return ""


def found_by(run, flag, path):
    """The flags without which another command would look elsewhere, or take another model."""
    s = run.settings
    flags = {} if s.out == Settings().out else {flag: path}
    if not checkpoint.of_this_book(s.model):
        flags["--model"] = s.model
    return "".join(f" {name} {shlex.quote(str(value))}" for name, value in flags.items())


if __name__ == "__main__":
    sys.exit(main())
