"""Waves: one campaign, sent to a first part of the members and later to the rest.

A campaign in waves is a folder of sends, wave-1, wave-2 and so on. Who is in which wave is drawn
by key from campaign and member id alone (`bandit.slates.waves`), so nobody is in two,
and the shares of the waves before are read from what was sent. Open this file to see why nobody is
mailed twice in a campaign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core import check
from bandit.core.files import read_table
from bandit.core.types import Bools, Ids
from bandit.policy import Policy
from bandit.slates.waves import assign_waves
from serving.sending.record import SEND, SLATES, read_send


@dataclass(frozen=True)
class Part:
    """Which part of a campaign's members a send goes to.

    folder: where the send is written
    number: of the wave, from 1; None for a campaign that is sent at once
    shares: of the members in each wave up to this one; the last wave takes the rest and has none
    before: the folders of the waves sent before
    """

    folder: Path
    number: int | None = None
    shares: tuple[float, ...] = ()
    before: tuple[Path, ...] = ()

    def find_rows(self, campaign: str, members: Ids) -> Bools:
        """Which of the members [n] are in this part.

        Raises ValueError where one of them was mailed in a wave before, which can only be if ids
        are of another kind than they were then.
        """
        if self.number is None:
            return np.ones(len(members), dtype=bool)
        own = np.equal(assign_waves(campaign, members, self.shares), self.number - 1)
        if not own.any():
            raise ValueError(f"wave {self.number} has none of the {len(members)} members")
        ids = pa.array(members[own].tolist())
        for folder in self.before:
            mailed = list_mailed(folder)
            if pa.types.is_integer(mailed.type) != pa.types.is_integer(ids.type):
                raise ValueError(
                    f"{folder / SLATES} has member ids of type {mailed.type}, the member list of "
                    f"type {ids.type}: waves are drawn by id, which must stay what it was"
                )
            twice = pc.index(pc.is_in(ids, value_set=mailed.cast(ids.type)), True).as_py()
            if twice >= 0:
                raise ValueError(f"member {ids[twice].as_py()!r} was mailed in {folder} already")
        return np.asarray(own)

    def describe(self) -> dict[str, object] | None:
        """What send.json says of the wave."""
        if self.number is None:
            return None
        return {"number": self.number, "shares": list(self.shares)}


def find_part(
    out: Path,
    number: int | None,
    share: float | None,
    policies: Sequence[Policy],
    same: dict[str, object],
) -> Part:
    """The part that `--wave` and `--share` ask for, next to what was sent before.

    out: the campaign's folder
    number: of the wave; None to send at once
    share: of all members in this wave; None for the rest, or what the policy's waves say
    policies: of the bundles that choose
    same: what must be as it was in the waves before: campaign, seed and the like

    Raises ValueError where that would mail somebody twice, or a wave before is not finished.
    """
    if number is None:
        if share is not None:
            raise ValueError(f"--share {share} is of a wave: name it by --wave 1")
        if any(out.glob(f"wave-*/{SEND}")):
            raise ValueError(
                f"{out} holds a campaign that is sent in waves; name the next one by --wave"
            )
        return Part(out)
    check.whole("--wave", number, 1)
    if (out / SEND).exists():
        raise ValueError(f"{out} holds a send to everybody; a wave would mail members again")
    before = tuple(out / f"wave-{earlier}" for earlier in range(1, number))
    shares: tuple[float, ...] = ()
    for folder in before:
        told = read_send(folder)
        for what, value in same.items():
            if told.get(what) != value:
                raise ValueError(
                    f"{folder} was sent with {what} {told.get(what)!r}, now {value!r}; "
                    "all waves of a campaign must have the same"
                )
        shares = _read_shares(folder, told, len(shares) + 1)
    for policy in policies:
        share = _agree(share, policy, number)
    if share is not None:
        check.share("--share", share)
        shares = (*shares, share)
        check.share("the sum of the waves' shares", float(np.cumsum(shares)[-1]))
    elif number == 1:
        raise ValueError("--wave 1 needs --share, the share of the members that it goes to")
    return Part(out / f"wave-{number}", number, shares, before)


def _read_shares(folder: Path, told: dict[str, object], number: int) -> tuple[float, ...]:
    """The shares of the waves up to one that was sent."""
    wave = told.get("wave")
    shares = wave.get("shares") if isinstance(wave, dict) else None
    if not isinstance(shares, list) or not all(isinstance(one, float | int) for one in shares):
        raise ValueError(f"{folder / SEND}: wave = {wave!r}; must be a wave with its shares")
    if len(shares) < number:
        raise ValueError(f"{folder} took all the rest of the members: nobody is left to mail")
    return tuple(map(float, shares))


def _agree(share: float | None, policy: Policy, number: int) -> float | None:
    """The share asked for, or the policy's own; a policy that explores in its first wave has some.

    Raises ValueError where they differ.
    """
    from bandit.policies.wave import Wave  # its neighbours need no policy

    if not isinstance(policy, Wave):
        return share
    own = policy.shares[number - 1] if number <= len(policy.shares) else None
    if share is not None and share != own:
        raise ValueError(f"--share {share}, but the bundle's waves have shares {policy.shares}")
    return own


def list_mailed(folder: Path) -> pa.Array:
    """The ids of the members who were mailed by a finished send, each once."""
    return read_table(folder / SLATES)["member"].combine_chunks().unique()
