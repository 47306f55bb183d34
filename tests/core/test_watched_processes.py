"""A watched model that trains in two processes (DDP), and one with parts that torch.compile has compiled.

Both run in processes of their own: gloo and the compiler start threads and processes that outlive a test.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARALLEL = """
import json, sys
import torch
from torch import distributed as dist, nn
from torch.nn.parallel import DistributedDataParallel
from rnncore import watch

rank, place, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
dist.init_process_group("gloo", init_method=f"file://{place}", rank=rank, world_size=2)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.core, self.head = nn.LSTM(2, 5, 2, batch_first=True, dropout=0.3), nn.Linear(5, 1)
    def forward(self, x):
        return self.head(self.core(x)[0][:, -1])

def run(watched):
    torch.manual_seed(0)
    net = DistributedDataParallel(Net().double())
    torch.manual_seed(1 + rank)
    optimizer, seen = torch.optim.Adam(net.parameters(), 0.01), []
    lab = watch(net, every=1, **watched).open() if watched is not None else None
    for _ in range(3):
        x = torch.randn(4, 6, 2, dtype=torch.float64)
        out = net(x)
        loss = out.square().mean()
        optimizer.zero_grad()
        loss.backward()
        seen += [out.detach(), *(each.grad.clone() for each in net.parameters())]
        if lab is not None:
            lab.step(loss=loss, optimizer=optimizer)
        optimizer.step()
    if lab is not None:
        lab.close()
    return [*seen, *(each.detach().clone() for each in net.parameters()), torch.rand(3)], lab

(alone, _), (both, lab), (first, one) = run(None), run({"name": "two"}), run({} if rank == 0 else None)
same = [all(map(torch.equal, alone, each)) for each in (both, first)]
profile = lab.records[-1].profiles["module.core"]
known = {"same": same, "alone": one is None, "shape": profile.hidden.shape, "hidden": profile.hidden.tolist()}
known |= {"norms": [each.grad_norm for each in lab.records], "sent": lab.publisher.sender is not None}
with open(out, "w") as file:
    json.dump(known, file)
dist.destroy_process_group()
"""
COMPILED = """
import sys
import torch
from torch import nn
from rnncore import watch

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.below, self.core = nn.Sequential(nn.Linear(2, 4), nn.Tanh()), nn.GRU(4, 4, 2, batch_first=True)
        self.head = nn.Linear(4, 1)
    def forward(self, x):
        return self.head(self.core(self.below(x))[0])

def run(compiled, watched):
    torch.manual_seed(0)
    net = Net().double()
    if compiled:
        net.below.compile()
        net.head.compile()
    optimizer, seen = torch.optim.SGD(net.parameters(), 0.1), []
    lab = watch(net, every=2).open() if watched else None
    for _ in range(4):
        loss = net(torch.randn(3, 5, 2, dtype=torch.float64)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        if lab is not None:
            lab.step(loss=loss, optimizer=optimizer)
        optimizer.step()
        seen.append(loss.detach())
    if lab is not None:
        lab.close()
    return [*seen, *net.parameters(), torch.rand(3)], lab

(alone, _), (seen, lab), (_, plain) = run(True, False), run(True, True), run(False, True)
assert all(map(torch.equal, alone, seen)), "compiled and watched, it trains otherwise than compiled alone"
assert lab.notes == [], lab.notes
assert len(lab.records) == 2
for found, wanted in zip(lab.records, plain.records):
    torch.testing.assert_close(*map(torch.as_tensor, (found.profiles["core"].hidden, wanted.profiles["core"].hidden)))
sys.stdout.write("done")
"""


def environment(folder: Path) -> dict[str, str]:
    """Return one with a data folder and a compiler's cache of its own, and gloo on this machine alone."""
    own = {"PYTHONPATH": str(ROOT), "RNNLAB_DATA_DIR": str(folder), "OMP_NUM_THREADS": "1"}
    own |= {"TORCHINDUCTOR_CACHE_DIR": str(folder / "compiled")}
    return os.environ | own | ({"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {})


def test_of_two_processes_each_records_its_part_and_both_train_as_they_would_alone(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARALLEL]
    started = [
        subprocess.Popen(
            [*command, str(rank), str(tmp_path / "meeting"), str(tmp_path / f"{rank}.json")],
            env=environment(tmp_path), stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    try:
        for each in started:
            _, errors = each.communicate(timeout=240)
            assert each.returncode == 0, errors
    finally:
        for each in started:
            each.kill()
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text("utf-8")) for rank in range(2))
    assert first["same"] == second["same"] == [True, True]
    assert second["alone"]  # the first one was watched beside another that was not
    assert first["shape"] == second["shape"] == [2, 6]
    assert first["hidden"] != second["hidden"]  # of each one's own part of the batch
    assert first["norms"] == second["norms"]  # of the mean over both
    assert (first["sent"], second["sent"]) == (True, False)


@pytest.mark.skipif(shutil.which("c++") is None and shutil.which("g++") is None, reason="there is no C++ compiler here")
def test_parts_around_the_recurrent_module_may_be_compiled(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMPILED], env=environment(tmp_path), capture_output=True, text=True, timeout=280
    )
    assert (done.returncode, done.stdout) == (0, "done"), done.stderr
