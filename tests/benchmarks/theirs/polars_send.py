"""Seconds of a send without rules or propensities, in Polars and numpy: python polars_send.py FILE

Run in the peers' environment. Members are read from parquet, scored in float32, six of the best are
taken and written as parquet: the least that whoever writes it in an afternoon would do.
"""

import json
import sys
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl

arrays = np.load(sys.argv[1])
members, articles = str(arrays["path"]), arrays["articles"].astype(np.float32)
out = Path(sys.argv[1]).with_name("slates.parquet")
rng = np.random.default_rng(0)
times = []
for _ in range(2):
    start = process_time()
    table = pl.read_parquet(members)
    tastes = np.empty((0, articles.shape[1]), np.float32)
    parts = []
    for piece in table.iter_slices(20_000):
        if len(tastes) < len(piece):
            tastes = rng.standard_normal((len(piece), articles.shape[1]), dtype=np.float32)
        scores = tastes[: len(piece)] @ articles.T
        best = np.argpartition(-scores, 6, axis=1)[:, :6]
        best = np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, 1), 1), 1)
        parts.append(
            pl.DataFrame(
                {
                    "member": np.repeat(piece["member"].to_numpy(), 6),
                    "slot": np.tile(np.arange(1, 7), len(piece)),
                    "article": best.ravel(),
                }
            )
        )
    pl.concat(parts).write_parquet(out)
    times.append(process_time() - start)
print(json.dumps({"send": min(times)}))
