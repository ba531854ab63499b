"""Several processes on one batch, started by torchrun: who am I, and what was decided?"""

import os

import torch
import torch.distributed as dist


def join_processes(settings):
    """This process's number and how many there are; more than one under torchrun."""
    if "RANK" not in os.environ:
        return 0, 1
    cuda = settings.device in ("auto", "cuda") and torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if cuda else "gloo")
    return dist.get_rank(), dist.get_world_size()


def from_first(value, world):
    """What the first process found or decided, for all of them."""
    box = [value]
    if world > 1:
        dist.broadcast_object_list(box, src=0)
    return box[0]
