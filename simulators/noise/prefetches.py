"""Opens that are recorded although nobody reads: images that are loaded ahead of reading.

Apple Mail does so, and a webmail's image cache may when it shows a notification.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from simulators.noise.mailing import Mailing


def list_prefetches(mailing: Mailing) -> Iterator[pd.DataFrame]:
    """Opens that Apple Mail, and a webmail's cache, record before anybody reads."""
    fetched = mailing.programs.apple & mailing.programs.ahead & mailing.feedback.delivered
    rows = np.flatnonzero(fetched)
    at = mailing.pace.prefetches[rows]
    yield mailing.tabulate("open", "prefetch", rows, at, "bare", "apple")
    noticed = mailing.programs.noticed & mailing.feedback.delivered
    rows = np.flatnonzero(noticed & (mailing.addresses.domain == "freemail-0"))
    soon = 1 + 20 * mailing.draws.draw("notification")[rows, 0]
    yield mailing.tabulate("open", "prefetch", rows, soon, "imageproxy", "google", note="noticed")
