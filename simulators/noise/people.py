"""Events that people leave in a tracking log: opens, clicks, unsubscribing."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from simulators.noise.mailing import Mailing


def list_people(mailing: Mailing) -> Iterator[pd.DataFrame]:
    """Events that people cause: opens, opens through Apple's proxy, clicks, unsubscribing."""
    opened, at = mailing.feedback.opened, mailing.pace.opens
    draws, programs = mailing.draws, mailing.programs
    direct = np.flatnonzero(opened & ~programs.blocked & (~programs.apple | programs.second))
    webmail = mailing.addresses.domain == "freemail-0"
    program = np.where(draws.draw_lasting("agent")[:, 0] < 0.7, "mail", "browser")
    agent = np.where(webmail, "imageproxy", program)
    network = np.where(webmail, "google", mailing.addresses.network)
    yield mailing.tabulate("open", "human", direct, at[direct], agent[direct], network[direct])
    # What was not fetched ahead, Apple's proxy fetches when the reader opens the mail.
    # Nothing in the log tells the two apart.
    later = np.flatnonzero(opened & programs.apple & ~programs.ahead)
    yield mailing.tabulate("open", "human", later, at[later], "bare", "apple", note="by proxy")
    via = np.where(programs.relayed, "apple", mailing.addresses.network)
    bare = np.where(draws.draw_lasting("click agent")[:, 0] < 0.01, "none", "browser")
    rows, slots = np.nonzero(mailing.feedback.clicked)
    clicks = mailing.pace.clicks[rows, slots]
    yield mailing.tabulate("click", "human", rows, clicks, bare[rows], via[rows], slots + 1)
    gone = np.flatnonzero(mailing.feedback.unsubscribed)
    yield mailing.tabulate("unsubscribe", "human", gone, at[gone] + 40, bare[gone], via[gone])
