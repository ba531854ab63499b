"""One file holds a run: written beside, flushed, then renamed, so a good one is always there."""

import importlib.util
import os
import sys
import time
from pathlib import Path

import torch


def save(path, contents, advice="make room, or choose a folder with --out"):
    """Write a dictionary of tensors, numbers and texts, so that no moment can spoil the last one.

    OSError, in one sentence, where the disk is full or the folder cannot be written: it ends with
    the advice of the program that asks.
    """
    beside = path.with_name(f"{path.name}.part")
    try:
        with open(beside, "wb") as file:
            torch.save(contents, file)
            file.flush()
            os.fsync(file.fileno())
        replace(beside, path)
    except (OSError, RuntimeError) as error:
        # torch reports a full disk as a RuntimeError of its zip writer
        beside.unlink(missing_ok=True)
        last = "the last good one is still there" if path.exists() else "nothing was saved"
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "disk full?"
        raise OSError(f"cannot write {path} ({reason}; {last}): {advice}") from None


def load(path, device="cpu"):
    """What `save` wrote. ValueError, in one sentence, for a file that is missing, cut or foreign.

    weights_only: a checkpoint from a stranger is data and cannot run a program here.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"there is no checkpoint {path} yet: run python day3/train.py first")
    try:
        contents = torch.load(path, map_location=device, weights_only=True)
    except Exception:  # noqa: BLE001 - torch has many ways to say that this is not one of its files
        raise ValueError(
            f"{path} is not a whole checkpoint (cut short, or not of this book): train again, or "
            "give the path of another one"
        ) from None
    needed = {
        "model",
        "config",
        "alphabet",
        "settings",
        "step",
        "optimizers",
        "text_sha256",
        "exact",
    }
    if not isinstance(contents, dict) or not needed <= contents.keys():
        raise ValueError(f"{path} is a checkpoint of another program: give one of day3/train.py")
    return contents


def replace(beside, path):
    """os.replace, which Windows refuses for as long as another program reads the file."""
    for _ in range(3):
        try:
            return os.replace(beside, path)
        except PermissionError:
            time.sleep(0.5)
    return os.replace(beside, path)


def restore(contents, module):
    """A model of `module` (its Config and GPT) with the weights of a loaded checkpoint."""
    try:
        model = module.GPT(module.Config(**contents["config"]))
    except TypeError as error:
        raise ValueError(
            f"{module.__file__} is not the model of this checkpoint: {error}"
        ) from None
    fill(model, contents, module)
    return model


def fill(model, contents, module):
    """Load weights into a model. ValueError where they are those of another one."""
    try:
        model.load_state_dict(contents["model"])
    except RuntimeError as error:
        difference = str(error).splitlines()[-1].strip()
        raise ValueError(
            f"{module.__file__} is not the model of this checkpoint, give that with --model: "
            f"{difference}"
        ) from None


def model_of(contents):
    """The model file of a run, where it lies in this book, or the book's, as it was in another copy.

    ValueError where it lies elsewhere: a model file is run, so it has to be given.
    """
    path = Path(contents["settings"]["model"])
    if of_this_book(path):
        return path
    if the_books(path):
        return Path(__file__).with_name("model.py")
    raise ValueError(f"this model was trained with {path}, outside this book: give it with --model")


def the_books(path):
    """Whether a path leads to day3/model.py, in this copy of the book or another."""
    return path.parts[-2:] == ("day3", "model.py") and path.parts[-3:-2] != ("my",)


def of_this_book(path):
    """Whether a model file that a checkpoint names may be run without being given: it lies here."""
    path, home = path.resolve(), Path(__file__).resolve().parent.parent
    return path.is_file() and path.is_relative_to(home)


def load_module(path):
    """A model file as a module. ValueError where it is missing or lacks the contract's names."""
    if not path.is_file() or path.suffix != ".py":
        raise ValueError(f"there is no model file {path}: give a file with Config and GPT")
    own = Path(__file__).with_name("model.py")
    name = "model" if path.resolve() == own.resolve() else "model_given"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError) as error:
        raise ValueError(f"{path} cannot be read: {error}") from None
    if not hasattr(module, "GPT") or not hasattr(module, "Config"):
        raise ValueError(f"{path} has no Config or no GPT: a model file needs both")
    return module
