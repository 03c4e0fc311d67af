"""What a sender imports, in a process of its own."""

import subprocess
import sys

import pytest

from tests.support.bundle_cases import CONFIGS

HEAVY = {"hydra", "matplotlib", "multiprocessing", "omegaconf", "pandas", "pydantic", "scipy"}
HEAVY |= {"sklearn", "torch", "vowpalwabbit"}
MODULES = sorted({config["_target_"].rpartition(".")[0] for config in CONFIGS.values()})


@pytest.mark.parametrize("module", ["serving", "serving.bundle", "serving.send", "policies"])
def test_a_sender_imports_nothing_heavy(module: str) -> None:
    """Nor do the modules of all policies that can be exported; VW is imported by VW's bundles."""
    names = MODULES if module == "policies" else [module]
    code = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    code += "print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code, *names], capture_output=True, text=True, check=True
    )
    assert "numpy" in done.stdout or module == "serving"
    assert not HEAVY & set(done.stdout.split())


def test_every_exportable_policy_is_looked_at() -> None:
    assert {f"bandit.policies.{name}" for name in ("profile", "neural", "vw")} <= set(MODULES)
