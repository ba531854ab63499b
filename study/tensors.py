"""Checks compare NumPy arrays. Where a lesson is written with PyTorch, tensors go in and come out."""

import functools
import inspect
import sys
from types import MethodType, SimpleNamespace

import numpy as np


def in_numpy(check, functions):
    """The functions of an exercise as the judge calls them, with NumPy arrays: name -> function.

    The check of a PyTorch lesson imports torch. Its arrays are handed over as tensors in the same
    memory, and every call starts from the same random numbers. check.making(*arguments) gives, in
    tensors, what the functions are called with, where a call cannot hold it: parameters, a model.
    The first argument of a method is a tuple, the arguments of its class. Where the result alone
    is not what is compared, check.reading(f, result, *arguments) gives, in tensors, what is.
    """
    torch = vars(sys.modules[check.__module__]).get("torch")
    if torch is None:
        return functions
    making = getattr(check, "making", lambda *arguments: arguments)
    reading = getattr(check, "reading", lambda f, result, *arguments: result)
    f = SimpleNamespace(**functions)

    def translated(name, function):
        @functools.wraps(function)
        def call(*arguments):
            torch.default_generator.manual_seed(0)  # manual_seed looks for other devices, too
            given = list(making(*tensors(arguments)))
            if "." in name:
                given[0] = owner(torch, name, functions, *given[0])
            return to_numpy(reading(f, function(*given), *given))

        return call

    def tensors(value):
        if isinstance(value, tuple):
            return tuple(map(tensors, value))
        return torch.from_numpy(value) if isinstance(value, np.ndarray) else value

    def to_numpy(result):
        if isinstance(result, tuple):
            return tuple(map(to_numpy, result))
        if isinstance(result, torch.Tensor) and result.is_complex():
            raise TypeError("complex numbers came back, where real ones are asked for")
        return result.detach().numpy()[()] if isinstance(result, torch.Tensor) else result

    return {name: translated(name, function) for name, function in functions.items()}


def owner(torch, name, functions, *made):
    """What a method is called on: its class made with these arguments.

    The methods are those of `functions`. A module is in float64, evaluating, and so are its parts;
    its weights are drawn, so that none is 0 and hides what stands behind it.
    """
    who = name.partition(".")[0]
    cls = inspect.unwrap(functions[name]).__globals__[who]
    methods: dict[str, dict] = {}  # of each class
    for other, function in functions.items():
        part, _, method = other.partition(".")
        methods.setdefault(part, {})[method] = function
    if not issubclass(cls, torch.nn.Module):
        return type(who, (cls,), methods[who])(*made)
    self = cls(*made).double().eval()
    for parameter in self.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    for part in self.modules():
        for method, function in methods.get(type(part).__name__, {}).items():
            vars(part)[method] = MethodType(function, part)
    return self
