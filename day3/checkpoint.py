"""One file holds a run: written beside, flushed, then renamed, so a good one is always there."""

import importlib.util
import os
import pickle
import sys
from pathlib import Path

import torch


def save(path, contents):
    """Write a dictionary of tensors, numbers and texts, so that no moment can spoil the last one.

    OSError, in one sentence, where the disk is full or the folder cannot be written.
    """
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(beside, "wb") as file:
            torch.save(contents, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:
        # torch reports a full disk as a RuntimeError of its zip writer
        beside.unlink(missing_ok=True)
        last = "the last good one is still there" if path.exists() else "nothing was saved"
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "disk full?"
        raise OSError(
            f"cannot write {path} ({reason}; {last}): make room, or choose a folder with --out"
        ) from None


def load(path, device="cpu"):
    """What `save` wrote. ValueError, in one sentence, for a file that is missing, cut or foreign.

    weights_only: a checkpoint from a stranger is data and cannot run a program here.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"there is no checkpoint {path} yet: run python day3/train.py first")
    try:
        contents = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, OSError, pickle.UnpicklingError):
        raise ValueError(
            f"{path} is not a whole checkpoint (cut short, or not of this book): train again, or "
            "give the path of another one"
        ) from None
    if not isinstance(contents, dict) or not {"model", "config", "alphabet"} <= contents.keys():
        raise ValueError(f"{path} is a checkpoint of another program: give one of day3/train.py")
    return contents


def weights(model):
    """The weights of a model under their own names, whatever wraps it."""
    return {clean(name): tensor for name, tensor in model.state_dict().items()}


def clean(name):
    return name.removeprefix("module.").removeprefix("_orig_mod.")


def restore(contents, module, device="cpu"):
    """A model of `module` (its Config and GPT) with the weights of a loaded checkpoint."""
    try:
        model = module.GPT(module.Config(**contents["config"]))
        model.load_state_dict({clean(name): w for name, w in contents["model"].items()})
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"the checkpoint was made by another model than {module.__file__}: give that model "
            f"with --model ({str(error).splitlines()[0]})"
        ) from None
    return model.to(device)


def load_module(path):
    """A model file as a module. ValueError where it is missing or lacks the contract's names."""
    if not path.is_file():
        raise ValueError(f"there is no model file {path}: give --model a file with Config and GPT")
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
        raise ValueError(f"{path} has no Config or no GPT: --model needs both")
    return module
