"""Checks compare NumPy arrays. Where a lesson is written with PyTorch, tensors go in and come out."""

import functools
import inspect
import sys
from types import MethodType, SimpleNamespace

import numpy as np


def in_numpy(check, functions):
    """The functions of an exercise as the judge calls them, with NumPy arrays: name -> function.

    The check of a PyTorch lesson imports torch. Its arrays are handed over as tensors in the same
    memory, and every call starts from the same random numbers. The first argument of a method is a
    tuple, the arguments of its class. Where a result is drawn at random,
    check.reading(f, result, *arguments) says, in tensors, what of it is compared.
    """
    torch = vars(sys.modules[check.__module__]).get("torch")
    if torch is None:
        return functions
    reading = getattr(check, "reading", lambda f, result, *arguments: result)
    f = SimpleNamespace(**functions)

    def translated(name, function):
        @functools.wraps(function)
        def call(*arguments):
            torch.default_generator.manual_seed(0)  # manual_seed looks for other devices, too
            given = [torch.from_numpy(a) if isinstance(a, np.ndarray) else a for a in arguments]
            if "." in name:
                given[0] = module(torch, name, functions, *given[0])
            return to_numpy(reading(f, function(*given), *given))

        return call

    def to_numpy(result):
        if isinstance(result, tuple):
            return tuple(map(to_numpy, result))
        if isinstance(result, torch.Tensor) and result.is_complex():
            raise TypeError("complex numbers came back, where real ones are asked for")
        return result.detach().numpy()[()] if isinstance(result, torch.Tensor) else result

    return {name: translated(name, function) for name, function in functions.items()}


def module(torch, name, functions, *made):
    """What a method is called on: its class made with these arguments, in float64, evaluating.

    The weights are drawn, so that none is 0 and hides what stands behind it. The methods are those
    of `functions`, in every part of it.
    """
    owner = name.partition(".")[0]
    self = inspect.unwrap(functions[name]).__globals__[owner](*made).double().eval()
    for parameter in self.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    for part in self.modules():
        for other, function in functions.items():
            owner, _, method = other.partition(".")
            if type(part).__name__ == owner:
                vars(part)[method] = MethodType(function, part)
    return self
