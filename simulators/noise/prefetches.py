"""Opens that are recorded although nobody reads: Apple Mail prefetches the images of a mail."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from simulators.noise.mailing import Mailing


def list_prefetches(mailing: Mailing) -> Iterator[pd.DataFrame]:
    """Opens that Apple Mail records by loading images before anybody reads."""
    fetched = mailing.programs.apple & mailing.programs.ahead & mailing.feedback.delivered
    rows = np.flatnonzero(fetched)
    at = mailing.pace.prefetches[rows]
    yield mailing.tabulate("open", "prefetch", rows, at, "bare", "apple")
