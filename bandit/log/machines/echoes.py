"""Echoes: clicks that take a link which was taken from elsewhere a moment before.

Protection at the time of the click follows, once more, what its reader clicks. Open this file to
see which click of such a pair is the reader's.
"""

import numpy as np
import pandas as pd

from bandit.core.types import Bools, Floats, Ids, Ints

AGAIN = 3600.0  # seconds within which a link is taken once more from elsewhere
FEW = 10.0  # clicks that the list's own share of pairs weighs, where a network is judged
PLAIN = 0.3  # by how much two networks' shares of pairs differ where they tell which is a machine's


def find_echoes(clicks: pd.DataFrame, mail: Ints, here: Bools) -> Bools:
    """Which clicks [clicks] are echoes.

    Of a pair it is the one that says it is no person's; else the one from a network whose other
    clicks are in pairs, too, and which hardly ever clicks of its own accord; else the one from
    where the mail was not opened; else the later one.

    clicks: by mail and time
    mail: [clicks], number of the mail
    here: [clicks], whether the mail had been opened from there
    """
    declared = find_declared(clicks)
    plain = np.flatnonzero(~declared)
    echo = _find_second(clicks, mail, here, declared.astype(np.float64)) & declared
    some = clicks.iloc[plain]
    echo[plain] = _find_second(some, mail[plain], here[plain], np.zeros(len(plain)))
    return echo


def find_declared(clicks: pd.DataFrame) -> Bools:
    """Which requests [clicks] say themselves that no person made them."""
    agent: Ids = clicks["agent"].to_numpy()
    head = (clicks["method"] == "HEAD").to_numpy()
    return np.asarray(np.isin(agent, ("scanner", "script")) | head)


def _find_second(clicks: pd.DataFrame, mail: Ints, here: Bools, declared: Floats) -> Bools:
    """Of each pair of clicks, one after the other on one link, which is the echo [clicks]."""
    slot, t = clicks["slot"].to_numpy(), clicks["seconds"].to_numpy(dtype=np.float64)
    network = pd.factorize(clicks["network"])[0]
    order = np.lexsort([np.arange(len(slot)), slot, mail])
    pair = (np.diff(mail[order]) == 0) & (np.diff(slot[order]) == 0) & (slot[order][1:] > 0)
    pair &= (np.diff(t[order]) <= AGAIN) & (np.diff(network[order]) != 0)
    first, second = order[:-1][pair], order[1:][pair]
    machine = declared + _share_pairs(network, mail, np.concatenate([first, second]))
    plain = np.abs(machine[first] - machine[second]) > PLAIN
    likelier = np.where(machine[first] > machine[second], first, second)
    usual = np.where(here[first] | ~here[second], second, first)
    echo = np.zeros(len(slot), dtype=bool)
    echo[np.where(plain, likelier, usual)] = True
    return echo


def _share_pairs(network: Ints, mail: Ints, paired: Ints) -> Floats:
    """Of what else each click's network clicked, in other mails, the share in pairs [clicks].

    paired: places of the clicks that are in pairs
    """
    beside = np.zeros(len(network))
    beside[paired] = 1.0
    own = np.unique(np.column_stack([network, mail]), axis=0, return_inverse=True)[1].ravel()

    def add_others(values: Floats) -> Floats:
        every, mine = np.bincount(network, values)[network], np.bincount(own, values)[own]
        return np.asarray(every - mine)

    usual = float(beside.mean()) if len(beside) else 0.0
    others = add_others(np.ones(len(network)))
    return np.asarray((add_others(beside) + FEW * usual) / (others + FEW))
