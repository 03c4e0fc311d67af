"""Results do not depend on how many threads, or cores, a machine computes with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
from hashlib import sha256
from pathlib import Path
from threadpoolctl import threadpool_info
from bandit.slates.propensity import draw
from experiments.runner.configs import make, read_policy
from experiments.runner.unit import run_unit
from simulators.association.association import Association
from simulators.play import play
from serving import bundle

sizes = {"members": 300, "issues": 3, "pool": 12, "slots": 4}
config = {"_target_": "simulators.association.association.Association", **sizes}
association = Association(seed=3, **sizes)
context = association.issue(1)
features = association.features
arrays = {
    **features.state()[1],
    "members": context.member_features,
    "articles": context.article_features,
}
for name in ("profile", "lin_ts"):
    unit, new = Path(name), make(read_policy(name))
    run_unit(unit, read_policy(name), config, seed=3)
    for path in sorted([*unit.glob("log/*"), *unit.glob("bundle/*.safetensors")]):
        print(path, sha256(path.read_bytes()).hexdigest())
    new.start(features)
    for kind, policy in {"new": new, "restored": bundle.read(unit / "bundle").policy}.items():
        slates = draw(policy.plan(context), context, 5)
        arrays |= {f"{kind} {name}: {field}": table for field, table in vars(slates).items()}
for name in ("lin_ts", "neural"):  # by the loop alone, as a program of one's own would
    policy = make(read_policy(name))
    for _ in play(policy, Association(seed=4, **sizes)):
        pass
    arrays |= {f"played {name}: {part}": array for part, array in policy.state().items()}
for name, array in arrays.items():
    print(name, sha256(array.tobytes()).hexdigest())
print("threads", max(pool["num_threads"] for pool in threadpool_info()))
"""


def digests(threads: int, folder: Path) -> list[str]:
    """Runs SCRIPT with this many threads, in a new folder. Returns what it prints: a line for each
    array and file that it fitted, drew or learned."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads)) | {"PYTHONPATH": str(ROOT)}
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


@pytest.mark.slow
def test_two_threads_give_the_features_slates_and_states_of_one(tmp_path: Path) -> None:
    one, two = (digests(threads, tmp_path / str(threads)) for threads in (1, 2))
    assert one[-1] == "threads 1"
    assert one[:-1] == two[:-1]
    assert len(one) > 30
