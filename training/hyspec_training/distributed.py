"""Several processes that train one network together, started by ``torchrun``.

Every process draws its share of the same batch, so that any number of processes trains on the same
planes. Process 0 alone writes files and prints.
"""

from __future__ import annotations

import contextlib
import datetime
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from hyspec.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")
#: The first process may take long to copy scenes; torchrun ends all when one fails.
_PATIENCE = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Processes:
    """Who trains: ``size`` processes, of which this is number ``rank``, on ``device``."""

    rank: int
    size: int
    device: torch.device

    @property
    def leads(self) -> bool:
        """Whether this process writes files and prints."""
        return self.rank == 0

    def part(self, batch: int) -> slice:
        """Return the planes of a batch that are this process's share."""
        share = batch // self.size
        return slice(self.rank * share, (self.rank + 1) * share)

    def wait(self) -> None:
        """Wait until all processes are here."""
        if self.size > 1:
            torch.distributed.barrier()

    def agreed(self, value: bool) -> bool:
        """Return what the first process says; the values of the others do not count."""
        if self.size == 1:
            return value
        said = torch.tensor([int(value)], device=self.device)
        torch.distributed.broadcast(said, 0)
        return bool(said.item())

    def shared(self, net: nn.Module) -> nn.Module:
        """Return the network as its forward pass is to be called in training."""
        if self.size == 1:
            return net
        devices: list[Any] | None = [self.device] if self.device.type == "cuda" else None
        return DistributedDataParallel(net, device_ids=devices)


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """Return the device that ``auto``, ``cpu`` or ``cuda`` means here.

    Raises
    ------
    UsageError
        The name is unknown, or there is no such device.
    """
    if name not in DEVICES:
        raise UsageError(f"device is {name!r}; expected one of {', '.join(DEVICES)}")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cuda" and local_rank >= count:
        raise UsageError(
            f"device cuda was asked for; PyTorch {torch.__version__} finds {count} CUDA devices "
            f"here, and process {local_rank} needs one of its own",
            hint="use --device cpu, or install PyTorch with CUDA and a driver",
        )
    if name == "cpu" or local_rank >= count:
        return torch.device("cpu")
    return torch.device("cuda", local_rank)


@contextlib.contextmanager
def processes(device: str = "auto") -> Iterator[Processes]:
    """Join the processes that torchrun started, or be the only one.

    Raises
    ------
    UsageError
        The device is unknown or missing.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    rank, local_rank = (int(os.environ.get(name, "0")) for name in ("RANK", "LOCAL_RANK"))
    chosen = choose_device(device, local_rank)
    if chosen.type == "cuda":
        torch.cuda.set_device(chosen)
    if size == 1:
        yield Processes(0, 1, chosen)
        return
    # Kernels of 1 x 1 lie in memory alike in both formats; PyTorch compares their strides.
    warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides", UserWarning)
    torch.distributed.init_process_group(
        "nccl" if chosen.type == "cuda" else "gloo", timeout=_PATIENCE
    )
    try:
        yield Processes(rank, size, chosen)
    finally:
        torch.distributed.destroy_process_group()
