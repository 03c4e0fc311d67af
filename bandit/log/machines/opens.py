"""Opens one by one, and what each says about who made it.

A webmail's cache may load images with the notification, and a gateway may load them without
following a link: both come soon after delivery, read or not. Open this file to change what is
looked at.
"""

import numpy as np
import pandas as pd

from bandit.core.types import Bools, Ids, Ints
from bandit.log.machines.behaviour import find_start

BESIDE: tuple[tuple[str, float, float], ...] = (
    ("nothing else in this mail", 0.72, 0.60),
    ("opened again later", 0.12, 0.36),
    ("a click from there later", 0.16, 0.04),
)
AGENTS = ("mail", "browser", "imageproxy", "none")  # what else there is counts as none


def look_at(table: pd.DataFrame, mail: Ints, rows: Ints, clicks: Bools) -> Ints:
    """What each open shows: bins [opens, 3] of start, beside and agent.

    table: events by mail and time
    mail: [rows], number of the mail
    rows: [opens], where in the table the opens are
    clicks: [rows], which rows are clicks
    """
    at, whose = table["seconds"].to_numpy(dtype=np.float64)[rows], mail[rows]
    last = pd.Series(at).groupby(whose).transform("max").to_numpy()
    network = table["network"].to_numpy()
    looks = pd.DataFrame({"mail": mail, "network": network, "at": table["seconds"].to_numpy()})
    latest = looks[clicks].groupby(["mail", "network"], sort=False, observed=True)["at"].max()
    here = latest.reindex(pd.MultiIndex.from_frame(looks.iloc[rows][["mail", "network"]]))
    clicked = here.to_numpy(dtype=np.float64) > at + 5
    beside = np.where(clicked, 2, np.where(last > at + 60, 1, 0))
    said: Ids = table["agent"].to_numpy()[rows]
    agent = np.select([said == name for name in AGENTS[:-1]], range(3), 3)
    return np.column_stack([find_start(at), beside, agent])
