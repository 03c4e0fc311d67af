"""Ids for each mail and each slot of it, by which what happens to them is found again.

A link in a mail carries the event id of its slot, so that a click can be matched with the slot that
was shown. The id is a keyed function of campaign, member and slot: asked twice, it is the same, and
within a campaign two slots never share one. It is a pseudonym and holds nothing about a person;
only who has the member list and the campaign's name can tell whose it is. Open this file to see how
an id is made.
"""

import numpy as np
import pyarrow as pa

from bandit.core import keys
from bandit.core.types import Ids

_32 = np.uint64(32)


def name_events(campaign: str, members: Ids, slots: int) -> Ids:
    """Ids [n, slots + 1] as bytes: of the mail itself, then of each slot from the top.

    An id is a letter, m for a mail and s for a slot, and 20 hexadecimal digits: the first 80 bits
    of Philox4x32-10 (`bandit.core.keys`), keyed by campaign, counted by member and slot.

    members: [n]
    """
    n, purpose = len(members), keys.digest("event", campaign)
    counter = np.zeros((4, n, slots + 1), dtype=np.uint64)
    member = keys.member_keys(members)[:, None]
    counter[0], counter[1] = member & np.uint64(0xFFFFFFFF), member >> _32
    counter[2] = np.arange(slots + 1)
    words = keys.philox(counter, (purpose & 0xFFFFFFFF, purpose >> 32))
    text = np.empty((n, slots + 1, 21), dtype=np.uint8)
    text[:, :, 0] = ord("s")
    text[:, 0, 0] = ord("m")
    bits = np.ascontiguousarray(np.moveaxis(words, 0, -1), dtype=">u4").view(np.uint8)
    digits = bits[:, :, :10].tobytes().hex().encode()
    text[:, :, 1:] = np.frombuffer(digits, dtype=np.uint8).reshape(n, slots + 1, 20)
    return text.view("S21")[:, :, 0]


def tabulate_events(campaign: str, members: Ids, slots: int) -> dict[str, pa.Array]:
    """The columns `mail` and `event`, one row for each (member, slot)."""
    named = name_events(campaign, members, slots)
    mails, events = np.repeat(named[:, 0], slots), named[:, 1:].ravel()
    return {
        name: pa.array(ids, type=pa.binary(21)).cast(pa.binary()).cast(pa.string())
        for name, ids in (("mail", mails), ("event", events))
    }
