"""Fetch the small Open Bandit Dataset: python -m experiments.data

It travels inside the wheel obp 0.4.1, which pip downloads from wherever it is set up to; nothing is
installed. Every file is checked by its SHA-256 and put below data/open_bandit. Files that are there
already are not fetched again.
"""

import argparse
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from bandit.core.files import replacing
from experiments.runner.configs import ROOT
from experiments.runner.digest import digest_file
from experiments.runner.one_line import in_one_line

WHEEL = "obp==0.4.1"
INSIDE = "obp/dataset/obd"
SUMS = """
7168295b6e0a9eabcf3392320a5dd434e542b68e705d5cd9491499af589812f1  random/all/all.csv
eba04cc23d5f130a93ff174c5392986882b94c3839433cb8143870eaa6221358  random/all/item_context.csv
ede6d08c6877f99cd3770f7d09e26c738e6aa6de4445ccccfb1356ba5d06b1eb  random/men/men.csv
6d855c2b7e917d0448d71bbe62c023147495882c0fdc8c41e86fef86abf9fe09  random/men/item_context.csv
e65f3bd3beb17664fa69cc129bf7bf852a775f8ffa630506e505fc905315bb34  random/women/women.csv
b1ca4905f97703d196004f2ad4552c1e90c2afad8b50688d333b0d2dc0b33147  random/women/item_context.csv
0ad874e4dbf6902f0845dd478ad8dde5ef6903583d3ffaace78411bdad064106  bts/all/all.csv
5d4359ba1cfa3ae88f0f1bae66bd633859fe6323817183632ee57b83539d9153  bts/all/item_context.csv
db6d1f7ed2d591ba521533e45286d4c1fba7fe57a8ad2e80342210335f43c527  bts/men/men.csv
3b411ed6b0471316321a6b93f4f756bb25888eac6218cd71d0b603d41d85732d  bts/men/item_context.csv
e5d1b49a39b608585a2f3014a3f54970430cd37a495c1b73fceb85cdf428a5b8  bts/women/women.csv
a56295bad066a558eb783055afd9279f5f4e209a4776eafc22151c53f0ac89d4  bts/women/item_context.csv
"""
# SHA-256 by name
FILES = {name: digest for digest, name in map(str.split, SUMS.strip().splitlines())}


def list_missing(folder: Path, files: Mapping[str, str]) -> list[str]:
    """The files that are not there, or are not what they should be."""
    return [name for name, digest in files.items() if not _is_sound(folder / name, digest)]


def unpack(wheel: Path, folder: Path, files: Mapping[str, str]) -> None:
    """Put the wheel's data files into `folder`.

    files: SHA-256 by name

    Raises ValueError, and writes nothing, if one is not the one expected.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            found = {name: archive.read(f"{INSIDE}/{name}") for name in files}
    except (zipfile.BadZipFile, KeyError) as error:
        raise ValueError(f"{wheel} is not the wheel {WHEEL}: {error}") from None
    for name, content in found.items():
        if (digest := sha256(content).hexdigest()) != files[name]:
            raise ValueError(
                f"{wheel}: {name} has SHA-256 {digest[:12]}...; must be {files[name][:12]}..."
            )
    for name, content in found.items():
        with replacing(folder / name) as part:
            part.write_bytes(content)


def download(into: Path) -> Path:
    """Download the wheel by pip; returns its path.

    Raises ValueError with pip's own words where pip cannot.
    """
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-q"]
    asked = [*pip, "-d", str(into), WHEEL]
    # S603: pip, with words made here
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    wheels = list(into.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        raise ValueError(
            f"pip could not download {WHEEL}: {done.stderr.strip() or done.stdout.strip()}"
        )
    return wheels[0]


def _is_sound(path: Path, digest: str) -> bool:
    return path.is_file() and digest_file(path) == digest


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.data", description="Fetch the Open Bandit Dataset (small)."
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "data" / "open_bandit", help="folder for the files"
    )
    parser.add_argument(
        "--wheel", type=Path, help=f"the wheel {WHEEL}, where it is at hand already"
    )
    given = parser.parse_args()
    with in_one_line("data"):
        if lacking := list_missing(given.out, FILES):
            with TemporaryDirectory() as into:
                unpack(given.wheel or download(Path(into)), given.out, FILES)
        print(
            f"data: {len(FILES)} files in {given.out}, {len(lacking)} of them new; "
            "cite Saito et al. 2021 (arXiv:2008.07146)"
        )


if __name__ == "__main__":
    main()
