"""What the layers put out: statistics of any model by hooks, and units that never fire.

A unit of a feed-forward fires on an input when its output after the bend is above a threshold. One
that fires on no input adds nothing but (with GELU) a sliver that is almost constant, and with ReLU
gets no gradient either: it is dead.

    python day3/firing.py     a network with three units that were made dead
"""

import torch
import torch.nn as nn
import torch.nn.functional as F

BENDS = (nn.ReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid)
THRESHOLD = 0.01


@torch.no_grad()
def outputs(model, *inputs):
    """What every module without modules in it puts out on these inputs: name -> (N, channels).

    Any model of torch; a module that is called more than once gives all its rows.
    """
    kept: dict[str, list] = {}

    def keep(name):
        def hook(module, given, out):
            if torch.is_tensor(out):
                kept.setdefault(name, []).append(out.detach().flatten(0, -2).float())

        return hook

    parts = [(name, part) for name, part in model.named_modules() if not list(part.children())]
    hooks = [part.register_forward_hook(keep(name)) for name, part in parts]
    try:
        model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return {name: torch.cat(rows) for name, rows in kept.items()}


def fired(out, threshold=THRESHOLD):
    """Share of the inputs on which each unit fires: out (N, M) -> (M,)."""
    return (out > threshold).float().mean(dim=0)


def bent(model, found):
    """The outputs after a bend: those of torch's bends, and of day3/model.py's feed-forwards.

    The latter bend in a function that no hook sees, so it is done again here: name -> (N, M)
    """
    modules = dict(model.named_modules())
    after = {name: out for name, out in found.items() if isinstance(modules[name], BENDS)}
    for name, out in found.items():
        parent, _, own = name.rpartition(".")
        gelu = getattr(modules[parent], "gelu", None)
        if own == "widen" and isinstance(gelu, str):
            after[f"{parent}.bent"] = F.gelu(out, approximate=gelu)
    return after


def statistics(model, *inputs):
    """For every module, its outputs' mean and deviation; for bends also how sparse they are.

    -> name -> {"mean", "deviation"}, and for bends {"active": share of all outputs that fire,
    "silent": the units that fire on no input}
    """
    found = outputs(model, *inputs)
    after = bent(model, found)
    rows = {}
    for name, out in (found | after).items():
        rows[name] = {"mean": out.mean().item(), "deviation": out.std().item()}
        if name in after:
            shares = fired(out)
            rows[name] |= {
                "units": len(shares),
                "active": shares.mean().item(),
                "silent": (shares == 0).nonzero()[:, 0].tolist(),
            }
    return rows


def main():
    """Sixteen units, of which three have a bias that no input reaches past."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
    with torch.no_grad():
        model[0].bias[[2, 3, 11]] = -100
    for name, row in statistics(model, torch.randn(1000, 8)).items():
        print(f"module {name}: " + ", ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    from command_line import no_arguments

    no_arguments(__doc__)
    main()
