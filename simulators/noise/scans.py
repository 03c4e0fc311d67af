"""Clicks and opens of gateways that look at links: the scanners of a tracking log."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from bandit.core.types import Bools, Floats
from simulators.noise.mailing import Mailing


def list_scans(mailing: Mailing) -> Iterator[pd.DataFrame]:
    """Events of gateways that follow links: clicks, HEAD requests, opens, unsubscribing."""
    k = mailing.shown.shape[1]
    links = np.column_stack(
        [mailing.shown, mailing.feedback.delivered]
    )  # the last one unsubscribes
    for number, gateway in enumerate(mailing.gateways.values()):
        behind = np.flatnonzero(mailing.scanned & (mailing.addresses.gateway == number))
        ready, start = wait_for(gateway.when, mailing)
        scan = gateway.scan(
            number,
            links[behind] & ready[behind],
            mailing.addresses.office[behind],
            partial(mailing.draws.draw, rows=behind),
            start[behind],
        )
        mails, slots = np.nonzero(scan.follows[:, :k])
        headed = scan.head[mails]
        looked = scan.pixel & ready[behind].any(axis=1)
        left, pixel = np.flatnonzero(scan.follows[:, k]), np.flatnonzero(looked)
        times = np.column_stack([scan.at, scan.loaded])
        for kind, i, j, method, ahead in (
            ("click", mails, slots, "GET", 0.0),
            ("click", mails[headed], slots[headed], "HEAD", -0.1),
            ("unsubscribe", left, np.full(len(left), k), "GET", 0.0),
            ("open", pixel, np.full(len(pixel), k + 1), "GET", 0.0),
        ):
            rows, at, slot = behind[i], times[i, j] + ahead, j + 1 if kind == "click" else 0
            agent, network = scan.agent[i], scan.network[i, np.where(j <= k, j, 0)]
            yield mailing.tabulate(kind, "scanner", rows, at, agent, network, slot, method)


def wait_for(when: str, mailing: Mailing) -> tuple[Bools, Floats]:
    """Which links [n, l] gateways of a kind may follow, and from when on, in seconds [n, l].

    when: what the gateway waits for, as in `Gateway`; where a click never comes, it is inf
    """
    clicked, pace = mailing.feedback.clicked, mailing.pace
    n, k = clicked.shape
    if when == "click":  # the unsubscribe link is never one of them
        ready = np.column_stack([clicked, np.zeros(n, dtype=bool)])
        start = np.where(clicked, pace.clicks, np.inf)
        return ready, np.column_stack([start, np.full(n, np.inf)])
    ready = mailing.feedback.opened if when == "open" else np.ones(n, dtype=bool)
    start = pace.opens if when == "open" else np.zeros(n)
    return np.repeat(ready[:, None], k + 1, axis=1), np.repeat(start[:, None], k + 1, axis=1)
