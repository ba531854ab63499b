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


def in_turn(rank, action):
    """The first process goes ahead, so that a text is downloaded once."""
    if rank > 0:
        dist.barrier()
    result = action()
    if rank == 0 and dist.is_initialized():
        dist.barrier()
    return result


def from_first(value, world):
    """What the first process decided, for all of them."""
    box = [value]
    if world > 1:
        dist.broadcast_object_list(box, src=0)
    return box[0]
