"""A training run: its model, optimisers, batches and step, and how they are saved."""

import hashlib
import math
from pathlib import Path

import torch
import torch.distributed as dist

import checkpoint
import evaluate
import optim
from text import Alphabet, Batches, split

CEILING = 1.0  # of the gradient's norm


class Run:
    """Everything that the next step depends on, and the step itself."""

    advice = "the last good weights are saved; try a lower --matrix-lr or --table-lr"

    def __init__(self, settings, module, text, device, rank=0, world=1):
        self.settings, self.module, self.device = settings, module, device
        self.rank, self.world = rank, world
        self.alphabet = Alphabet(text)
        self.text_sha256 = hashlib.sha256(text.encode()).hexdigest()
        self.training, self.validation = split(self.alphabet.encode(text))
        torch.manual_seed(settings.seed)
        try:
            config = module.Config(**self.sizes())
        except TypeError as error:
            raise ValueError(
                f"{module.__file__}: {error}; day3/model.py has the contract"
            ) from None
        self.model = module.GPT(config).to(device)
        torch.manual_seed(settings.seed + rank)  # one dropout a process
        self.optimizers = optim.optimizers(
            self.model,
            settings.optimizer,
            settings.matrix_lr,
            settings.table_lr,
            settings.weight_decay,
            getattr(torch, settings.precision),
        )
        self.batches = Batches(self.training, settings.batch, settings.context, settings.seed)
        self.fast = self.model
        if settings.compile:
            self.fast = torch.compile(self.model)
        self.step, self.seconds = 0, 0.0

    def sizes(self):
        """What the model file's Config is called with."""
        s = self.settings
        names = ("context", "n_layer", "n_head", "n_embd", "dropout")
        sizes = {"vocab_size": len(self.alphabet)} | {name: getattr(s, name) for name in names}
        return sizes if s.positions == "rotary" else sizes | {"positions": s.positions}

    def autocast(self):
        enabled = self.settings.precision == "bfloat16"
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=enabled)

    def take_step(self):
        """One step -> the loss before it in nats, the gradient's norm, the learning rate's share.

        FloatingPointError where the loss is not a number: the weights are then as they were.
        """
        x, y = (part.to(self.device) for part in self.batches[self.step])
        try:
            loss = self.gradients(x, y)
        except Exception as error:  # whatever compilation does, the run goes on without it
            if self.fast is self.model:
                raise
            print(f"torch.compile failed ({type(error).__name__}); going on without it")
            self.fast = self.model
            loss = self.gradients(x, y)
        norm = optim.clip_gradients(self.model.parameters(), CEILING)
        if not math.isfinite(loss + norm):
            raise FloatingPointError(f"the loss is not a number at step {self.step}: {self.advice}")
        schedules = {"linear": optim.warmup_linear, "cosine": optim.warmup_cosine}
        scale = schedules[self.settings.schedule](self.step, self.settings.steps)
        for optimizer in self.optimizers:
            optimizer.step(scale)
        self.step += 1
        return loss, norm, scale

    def gradients(self, x, y):
        """Leave in .grad the gradient of the mean loss over all rows of a batch, return that loss.

        x, y (B, T). Each process takes its share of the rows, in `accumulate` parts; every part
        counts by its rows, and the sums are added up over the processes.
        """
        B = len(x)
        self.model.train()
        self.model.zero_grad()
        total = torch.zeros((), device=self.device)
        share = slice(self.rank, None, self.world)
        parts = self.settings.accumulate
        for part_x, part_y in zip(x[share].chunk(parts), y[share].chunk(parts)):
            with self.autocast():
                _, loss = self.fast(part_x, part_y)
            loss = loss * (len(part_x) / B)
            loss.backward()
            total += loss.detach()
        if self.world > 1:
            grads = [p.grad for p in self.model.parameters() if p.grad is not None]
            for tensor in (total, *grads):
                dist.all_reduce(tensor)
        return total.item()

    def loss(self, ids):
        """Loss over ids (N,), in nats per symbol, in float32."""
        return evaluate.loss(self.model, ids.to(self.device), self.settings.context)

    def write(self, length, prompt="\n", temperature=0.8, rows=1):
        """Texts of the model after the prompt (or else the alphabet's first symbol), joined."""
        known = prompt if set(prompt) <= set(self.alphabet.symbols) else self.alphabet.symbols[0]
        ids = self.alphabet.encode(known).expand(rows, -1).to(self.device)
        generator = torch.Generator(self.device).manual_seed(self.settings.seed)
        self.model.eval()
        drawn = self.model.generate(
            ids, length, temperature=temperature, top_k=None, top_p=None, generator=generator
        )
        return prompt.join(self.alphabet.decode(row) for row in torch.stack(list(drawn), dim=1))

    def exact(self):
        """Whether a resumed run ends at the same bits: on a CPU, in one process, not compiled."""
        return self.device == "cpu" and self.world == 1 and not self.settings.compile

    def save(self):
        state = {
            "model": self.model.state_dict(),
            "config": self.sizes(),
            "alphabet": self.alphabet.symbols,
            "optimizers": [optimizer.state() for optimizer in self.optimizers],
            "step": self.step,
            "seconds": self.seconds,
            "random": torch.get_rng_state(),
            "settings": {name: plain(value) for name, value in vars(self.settings).items()},
            "text_sha256": self.text_sha256,
            "exact": self.exact(),
        }
        if self.device == "cuda":
            state["random_cuda"] = torch.cuda.get_rng_state()
        checkpoint.save(self.settings.out / "gpt.pt", state)

    def restore(self, state):
        if state["text_sha256"] != self.text_sha256:
            raise ValueError("this is not the text of the run to resume: give the same --data")
        checkpoint.fill(self.model, state, self.module)
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load(saved)
        self.step, self.seconds = state["step"], state["seconds"]
        if self.rank == 0:
            torch.set_rng_state(state["random"].cpu())
        else:
            torch.manual_seed(self.settings.seed + self.rank + self.step)
        if self.device == "cuda" and "random_cuda" in state:
            torch.cuda.set_rng_state(state["random_cuda"].cpu())


def plain(value):
    """What a checkpoint may hold: a path becomes its text."""
    return str(value) if isinstance(value, Path) else value
