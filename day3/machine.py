"""What this machine can do, measured rather than believed."""

import sys
import time

import torch

import optim


def choose_device(wanted, module, world=1):
    """The device to train on: "cpu", "cuda" or "mps". ValueError where the wanted one is missing.

    CUDA and MPS are written, not run by us; MPS is taken only where it agrees with the CPU.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ValueError("torch finds no CUDA device on this machine: leave out --device")
    if wanted in ("cpu", "cuda"):
        return wanted
    if wanted == "auto" and torch.cuda.is_available():
        return "cuda"
    if world == 1 and torch.backends.mps.is_available() and agrees_with_cpu("mps", module):
        return "mps"
    if wanted == "mps":
        raise ValueError("MPS is missing here or disagrees with the CPU: leave out --device")
    return "cpu"


def agrees_with_cpu(device, module):
    """Two steps of a tiny model end at the same loss. Some devices have been silently wrong."""
    try:
        return abs(after_two_steps("cpu", module) - after_two_steps(device, module)) < 1e-3
    except Exception:  # noqa: BLE001 - an operation that this device lacks: then the CPU does it
        return False


def after_two_steps(device, module):
    torch.manual_seed(0)
    model = module.GPT(module.Config(7, 8, 2, 2, 16, 0.0)).to(device)
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    ids = torch.arange(32, device=device).view(4, 8) % 7
    for _ in range(3):
        _, loss = model(ids, ids.roll(-1, 1))
        model.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def bfloat16_pays(device):
    """True where a product of matrices is clearly faster in bfloat16 than in float32.

    A processor with bfloat16 units is four times faster at it, one without four times slower.
    """
    if device != "cpu":
        return device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    sizes = (2048, 128, 512)  # as in the feed-forward of a small model
    return product_seconds(torch.bfloat16, *sizes) < 0.7 * product_seconds(torch.float32, *sizes)


def precision(device="cpu"):
    """What to train in: "bfloat16" where that pays, else "float32"."""
    return "bfloat16" if bfloat16_pays(device) else "float32"


def mebibytes(most):
    """What getrusage calls the most memory of a process (ru_maxrss), in MiB."""
    return most / (2**20 if sys.platform == "darwin" else 2**10)  # macOS counts bytes, Linux KiB


def product_seconds(dtype, rows, inner, columns):
    """The shortest of eight times that a product of two matrices took, in seconds."""
    a, b = torch.ones(rows, inner, dtype=dtype), torch.ones(inner, columns, dtype=dtype)
    times = []
    for _ in range(8):
        before = time.perf_counter()
        torch.mm(a, b)
        times.append(time.perf_counter() - before)
    return min(times)
