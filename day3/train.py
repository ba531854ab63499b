"""Train a GPT on characters, and read what it writes.

python day3/train.py                           two minutes, on this machine
python day3/train.py --minutes 30              longer, larger, better
python day3/train.py --data my.txt             any text of yours
python day3/train.py --resume                  go on where a run was stopped
python day3/train.py --model my/day3/model.py  the model that you wrote
"""

import dataclasses
import signal
import statistics
import sys
import time
from pathlib import Path

import torch.distributed as dist
import tyro

import checkpoint
import corpus
import critic
import evaluate
import grammar
import machine
import ngram
import summary
from preflight import preflight
from processes import from_first, in_turn, join_processes
from records import append_record, make_room, write_records
from run import CEILING, Run
from settings import Settings, bytes_to_train, check, command, flops_per_symbol, size_for, with_size
from terminal import Terminal, utf8_output

HERE = Path(__file__).parent
PART = 16_384  # characters of the validation split that the curve is measured on
EVALUATIONS = 12
SCENE = "Exeunt.\n\n"  # of the grammar plays: what follows begins a scene


def main(arguments=None):
    """The command: exit code 0, 1 for a run that failed, 2 for a wrong call, 130 for Ctrl-C."""
    # the seconds of processor time up to here are the imports: the command's clock starts before
    started = time.perf_counter() - time.process_time()
    utf8_output()
    settings = tyro.cli(Settings, args=arguments, description=__doc__)
    try:
        return train(settings, started)
    except ValueError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: {error.strerror}" if error.filename else error
        print(f"train.py: {where}. Is --out a folder to write in, with room?", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ntrain.py: stopped before the first step; nothing was saved", file=sys.stderr)
        return 130
    except (FloatingPointError, NotImplementedError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 1
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def train(settings, started):
    """From settings to a finished run in settings.out; returns the exit code."""
    check(settings)
    if settings.data and settings.data != "grammar":  # --resume may come from another folder
        data = str(Path(settings.data).expanduser().absolute())
        settings = dataclasses.replace(settings, data=data)
    rank, world = join_processes(settings)
    state = None
    if settings.resume:
        settings, state = resumed(settings)
    module = checkpoint.load_module(settings.model)
    device = machine.choose_device(settings.device, module)
    with Terminal(quiet=rank > 0) as terminal:
        name, text = in_turn(rank, lambda: corpus.find(settings.data))
        terminal.say(f"{name}: {len(text):,} characters, {len(set(text))} symbols")
        if len(set(text)) < 2:
            raise ValueError("a text of one symbol has nothing to learn: give another with --data")
        plays = name == corpus.GRAMMAR
        if state is None:
            # the grammar plays are also judged by their grammar, which takes a while
            until = started + settings.minutes * 60 - (12 if plays else 4)
            planned = plan(settings, module, text, device, until, rank, world)
            settings = from_first(planned, world)
        run = Run(settings, module, text, device, rank, world)
        parameters = sum(p.numel() for p in run.model.parameters())
        terminal.say(
            f"{settings.size}: {settings.n_layer} layers, {settings.n_embd} channels, "
            f"{parameters / 1e6:.2f} M parameters; {settings.steps} steps of {settings.batch} x "
            f"{settings.context} characters on {device} in {settings.precision}; "
            f"{bytes_to_train(parameters, settings.optimizer) / 2**20:.0f} MiB and what a batch needs\n"
            f"to repeat it: {command(settings)}"
        )
        if state:
            run.restore(state)
            exact = "bit for bit" if device == "cpu" else "to about 1e-4"
            terminal.say(f"resumed at step {run.step}; the rest is as it would have been, {exact}")
        elif settings.preflight:
            findings = preflight(run.model, len(run.alphabet), settings.context)
            terminal.say("\n".join(f"preflight: {finding}" for finding in findings or ["all well"]))
            if findings:
                terminal.say("Nothing was trained. --no-preflight goes on all the same.")
                return 1
        if rank == 0:
            records = make_room(settings.out, run.step)
        else:
            records = []
        if not go_through(run, records, terminal, plays):
            terminal.say(f"\nstopped at step {run.step}, saved; go on with: {resume_command(run)}")
            return 130
        if rank == 0:
            finish(run, records, text, terminal, plays)
            terminal.say(f"{time.perf_counter() - started:.0f} seconds in all")
    return 0


def plan(settings, module, text, device, until, rank, world):
    """Settle what was left open: precision, size, and the steps that end at the time `until`.

    Measures a few real steps on a throw-away model.
    """
    if settings.precision == "auto":
        fast = machine.bfloat16_pays(device)
        settings = dataclasses.replace(settings, precision="bfloat16" if fast else "float32")
    if rank > 0:
        return settings

    def left():  # evaluations on the way take about a fiftieth
        return 0.98 * (until - time.perf_counter())

    if settings.size is None:
        trial = with_size(settings, "small")
        step = seconds_per_step(trial, module, text, device, seconds=0.7)
        symbol = flops_per_symbol(trial.n_layer, trial.n_embd, trial.context, len(set(text)))
        rate = trial.batch * trial.context * symbol / step * world
        settings = dataclasses.replace(settings, size=size_for(left(), rate))
    settings = with_size(settings, settings.size)
    if settings.steps is None:
        step = seconds_per_step(settings, module, text, device, seconds=2)
        steps = max(EVALUATIONS, int(left() / step * world))
        settings = dataclasses.replace(settings, steps=steps)
    return settings


def seconds_per_step(settings, module, text, device, seconds):
    """Median time of real steps of a throw-away model that works for about so many seconds."""
    run = Run(dataclasses.replace(settings, steps=10**6, compile=False), module, text, device)
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 6 or time.perf_counter() < end:
        before = time.perf_counter()
        run.take_step()
        times.append(time.perf_counter() - before)
    return statistics.median(times[3:])


def resumed(settings):
    """The settings of the run to go on with, and its checkpoint."""
    state = checkpoint.load(settings.out / "gpt.pt")
    saved = {k: Path(v) if k in ("out", "model") else v for k, v in state["settings"].items()}
    for field in dataclasses.fields(Settings):
        value = getattr(settings, field.name)
        if field.name not in ("resume", "out", "preflight", "device") and (
            value != field.default and value != saved.get(field.name)
        ):
            flag = field.name.replace("_", "-")
            raise ValueError(f"--resume goes on with the run's own settings: leave out --{flag}")
    if state["step"] >= saved["steps"]:
        raise ValueError(
            f"the run in {settings.out} is complete: read it with python day3/sample.py, or start "
            "another without --resume"
        )
    saved |= {"out": settings.out, "device": settings.device, "resume": True}
    return Settings(**saved), state


def go_through(run, records, terminal, plays):
    """Take all the steps, with an evaluation, a sample and a checkpoint now and then.

    False where Ctrl-C ended it early; the run is then saved.
    """
    steps, first = run.settings.steps, run.step
    stops = {round(steps * i / EVALUATIONS) for i in range(EVALUATIONS + 1)}
    wanted = []
    before = signal.signal(signal.SIGINT, lambda *_: wanted.append("stop"))
    clock = time.perf_counter() - run.seconds
    losses, norm, scale = [], 0.0, 0.0
    try:
        while True:
            run.seconds = time.perf_counter() - clock
            if run.step in stops and not (run.step == first > 0):
                if run.rank == 0:
                    take_stock(run, records, losses, norm, scale, terminal, plays)
                losses = []
            if from_first(bool(wanted), run.world):
                if run.rank == 0:
                    run.save()
                return False
            if run.step >= steps:
                return True
            loss, norm, scale = run.take_step()
            losses.append(loss)
            terminal.progress(run.step, steps)
    finally:
        signal.signal(signal.SIGINT, before)


def take_stock(run, records, losses, norm, scale, terminal, plays):
    """Evaluate on a part of the validation split, print a line, record it, save."""
    validation = run.loss(run.validation[: PART + 1])
    train = statistics.mean(losses) if losses else run.loss(run.training[: PART + 1])
    s = run.settings
    done, speed = run.step, 0.0
    if run.seconds > 0 and done:
        speed = done * s.batch * s.context / run.seconds
        rest = (s.steps - done) * run.seconds / done
    else:
        rest = 0.0
    record = {
        "step": done, "seconds": round(run.seconds, 2), "train": round(train, 6),
        "validation": round(validation, 6), "learning_rate": round(scale, 4),
        "gradient_norm": round(norm, 4), "clipped_norm": round(min(norm, CEILING), 4), "characters_per_second": round(speed),
    }  # fmt: skip
    if evaluate.overfits([*records, record]):
        record["overfits"] = True
    if plays:
        record["skills"] = critic.skills(run.write(300, prompt=SCENE, rows=8))
    records.append(record)
    append_record(s.out, record)
    end = time.strftime("%H:%M:%S", time.localtime(time.time() + rest))
    terminal.say(
        f"step {done:>5}/{s.steps}  train {train:.3f}  validation {validation:.3f}  "
        f"gradient {norm:.2f}  {speed:>6,.0f} characters/s  "
        + (f"{rest:.0f} s left, until {end}" if rest else "")
    )
    if "overfits" in record:
        terminal.say("    validation rises while training falls: it learns its text by heart")
        terminal.say("    (Ctrl-C keeps what it has; fewer --steps, more --dropout or more text)")
    if done in (0, *(round(s.steps * i / EVALUATIONS) for i in (1, 3, 6))):
        terminal.say("    " + run.write(120).strip("\n").replace("\n", "\n    "))
    run.save()


def finish(run, records, text, terminal, plays):
    """The whole validation split, once, beside the baselines; a picture, a long sample."""
    out, V = run.settings.out, len(run.alphabet)
    final = run.loss(run.validation)
    baselines = ngram.baselines(run.training.numpy(), run.validation.numpy(), V)
    if plays:
        start = len(run.training) + 1
        best = -grammar.log_probability(text, start) / (len(run.validation) - 1)
        baselines["the grammar itself"] = best
        baselines["its entropy, over all plays"] = grammar.entropy()
        summary.draw_skills(records, out / "skills.png")
    summary.draw(records, baselines, out / "loss.png")
    sample = run.write(600)
    (out / "sample.txt").write_text(sample, encoding="utf-8")
    terminal.say(f"\n{sample}\n")
    table = summary.table(baselines | {"this GPT, whole validation split": final})
    terminal.say("\n".join(table))
    records.append({"step": run.step, "final": final, "baselines": baselines})
    write_records(out, records)
    if plays:
        written = run.write(1300, prompt=SCENE, rows=8)
        terminal.say("\n".join(["", *summary.grammar_report(written, text)]))
    where = "" if out == Settings().out else f" --checkpoint {out / 'gpt.pt'}"
    terminal.say(
        f"\nin {out}: gpt.pt, loss.png, metrics.jsonl, sample.txt\n"
        f"next: python day3/sample.py{where} --temperature 0.7\n"
        "      python day3/train.py --minutes 10\n"
        "      python day3/train.py --data FILE, any text of yours"
    )


def resume_command(run):
    usual = run.settings.out == Settings().out
    return "python day3/train.py --resume" + ("" if usual else f" --out {run.settings.out}")


if __name__ == "__main__":
    sys.exit(main())
