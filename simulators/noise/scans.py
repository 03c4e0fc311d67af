"""Clicks and opens of gateways that look at links: the scanners of a tracking log."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from simulators.noise.mailing import Mailing


def list_scans(mailing: Mailing) -> Iterator[pd.DataFrame]:
    """Events of gateways that follow links: clicks, HEAD requests, opens, unsubscribing."""
    k = mailing.shown.shape[1]
    links = np.column_stack(
        [mailing.shown, mailing.feedback.delivered]
    )  # the last one unsubscribes
    for number, gateway in enumerate(mailing.gateways.values()):
        behind = np.flatnonzero(mailing.scanned & (mailing.addresses.gateway == number))
        scan = gateway.scan(
            number,
            links[behind],
            mailing.addresses.office[behind],
            partial(mailing.draws.draw, rows=behind),
        )
        mails, slots = np.nonzero(scan.follows[:, :k])
        headed = scan.head[mails]
        left, pixel = np.flatnonzero(scan.follows[:, k]), np.flatnonzero(scan.pixel)
        for kind, i, j, method, ahead in (
            ("click", mails, slots, "GET", 0.0),
            ("click", mails[headed], slots[headed], "HEAD", -0.1),
            ("unsubscribe", left, np.full(len(left), k), "GET", 0.0),
            ("open", pixel, np.zeros(len(pixel), dtype=np.int64), "GET", 0.0),
        ):
            rows, at, slot = behind[i], scan.at[i, j] + ahead, j + 1 if kind == "click" else 0
            agent, network = scan.agent[i], scan.network[i, j]
            yield mailing.tabulate(kind, "scanner", rows, at, agent, network, slot, method)
