"""An ingest that is killed leaves the log as it was or whole, and goes on to the same bytes."""

import shutil
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest

from serving.ingest.__main__ import main
from tests.support.ingest_cases import Post, list_days, read_files, write_rows

KILLS = [pytest.param(10, id="few"), pytest.param(50, id="many", marks=pytest.mark.slow)]


@pytest.mark.parametrize("kills", KILLS)
def test_a_killed_ingest_goes_on_to_the_same_bytes(
    kills: int, sent: Path, post: Post, tmp_path: Path
) -> None:
    files = []
    for number, name in enumerate(("mailgun", "postmark", "ses")):
        part = [each for each in list_days(post) if each.row % 3 == number]
        files.append(tmp_path / f"{name}.jsonl")
        files[-1].write_text(write_rows(name, post, part))
    words = [str(sent), *map(str, files)]
    assert main([*words, "--log", str(tmp_path / "whole")]) == 0
    whole, log = read_files(tmp_path / "whole"), tmp_path / "log"
    context = get_context("forkserver")
    context.set_forkserver_preload(["serving.ingest.__main__", "serving.ingest.work"])
    rng, spent = np.random.default_rng(kills), 0.5
    for number in range(kills + 2):
        process = context.Process(target=main, args=([*words, "--log", str(log)],))
        begun = perf_counter()
        process.start()
        process.join(60 if number < 2 else float(rng.uniform(0, 1.1 * spent)))
        process.kill()
        process.join()
        spent = perf_counter() - begun if number < 2 else spent
        assert read_files(log) in ({}, whole)  # nothing is torn
        if read_files(log) and number % 3 < 2:
            shutil.rmtree(log)
    assert main([*words, "--log", str(log)]) == 0
    assert read_files(log) == whole
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"whole", "log", *(file.name for file in files)}
