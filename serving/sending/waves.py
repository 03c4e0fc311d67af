"""Waves: one campaign, sent to a first part of the members and later to the rest.

A campaign in waves is a folder of sends, wave-1, wave-2 and so on. Who is in which wave is drawn
by key from campaign and member id alone (`bandit.slates.waves`), and the shares of the waves before
are read from what was sent. Whoever was mailed in one of them is in no other, though ids change as
aliases say; the last wave takes all who were not. Open this file to see why nobody is mailed twice
in a campaign.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bandit.core import check
from bandit.core.check import shorten
from bandit.core.columns import Columns
from bandit.core.ids import Aliases, Roster, follow, squeeze
from bandit.core.types import Bools, Ids
from bandit.policy import Policy
from bandit.slates.waves import assign_waves
from serving.sending.record import SEND, SLATES, read_mailed, read_send
from serving.tables.rows import Rows

MOST = 1000  # waves
_WAY = "if ids have changed, --aliases says which id an old one is now (old, member)"


@dataclass(frozen=True)
class Division:
    """Who is sent to in one part of a campaign.

    rows: [n], of the members
    late: how many of them are drawn into an earlier wave, which did not mail them: they joined
        since, or were on a list of those who are not mailed
    waiting: how many such members are left to the last wave
    """

    rows: Bools
    late: int = 0
    waiting: int = 0

    def tell(self) -> Iterator[str]:
        """A sentence where members are drawn into a wave that is out and did not mail them."""
        which = "members who joined, or were suppressed, when earlier waves were sent"
        if self.late:
            yield f"{self.late} {which} are mailed in this one, the last"
        if self.waiting:
            yield f"{self.waiting} {which} are left to the last wave"


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

    @property
    def is_last(self) -> bool:
        """Whether nobody is left to a later wave."""
        return len(self.shares) < (self.number or 1) or sum(self.shares) > 1 - 1e-9

    def divide(self, campaign: str, listed: Rows, aliases: Aliases) -> Division:
        """Who of the n members on a list is in this part.

        aliases: the present id of each old one: a member who was mailed under an old id was mailed

        Raises ValueError where nobody is, and where ids are not what they were in the waves before.
        """
        if self.number is None:
            return Division(np.ones(len(listed), dtype=bool))
        pieces = (piece["member"] for piece in listed.read_columns("member"))
        waves = [assign_waves(campaign, ids, self.shares).astype(np.int16) for ids in pieces]
        wave, mailed = np.concatenate(waves), self._find_mailed(listed, aliases)
        late = (wave < self.number - 1) & ~mailed
        own = (wave == self.number - 1) & ~mailed
        count = int(late.sum())
        found = Division(own | late, late=count) if self.is_last else Division(own, waiting=count)
        if not found.rows.any():
            raise ValueError(f"wave {self.number} has none of the {len(listed)} members")
        return found

    def _find_mailed(self, listed: Rows, aliases: Aliases) -> Bools:
        """Which of the members [n] on the list were mailed in the waves before.

        Raises ValueError where those who were mailed seem to be listed under other ids.
        """
        if not self.before:
            return np.zeros(len(listed), dtype=bool)
        known = Roster.gather(piece["member"] for piece in listed.read_columns("member"))
        mailed, gone, count = Roster.gather(()), list[Hashable](), 0
        for ids in self._read_mailed(listed, aliases):
            count += len(ids)
            gone += ids[known.find(ids) < 0].tolist()
            mailed, _ = mailed.add(ids)
        if 2 * len(gone) > count:
            raise ValueError(
                f"only {count - len(gone)} of the {count} members who were mailed in earlier waves "
                f"are on the member list ({shorten(gone[0])} is not): {_WAY}; if not, give the "
                "whole list again, for nobody may be mailed twice"
            )
        then, there = {squeeze(one): one for one in gone}, []
        for piece in listed.read_columns("member"):
            there.append(mailed.find(piece["member"]) >= 0)
            for one in piece["member"][~there[-1]].tolist() if then else ():
                if (old := then.get(squeeze(one))) is not None:
                    raise ValueError(
                        f"member {shorten(one)} seems to be {shorten(old)}, who was mailed in an "
                        f"earlier wave and is on the member list no longer: {_WAY}"
                    )
        return np.concatenate(there)

    def _read_mailed(self, listed: Rows, aliases: Aliases) -> Iterator[Ids]:
        """The members who were mailed in the waves before, under present ids, in pieces."""
        kind = listed.schema.field("member").type
        for folder in self.before:
            own = pq.read_schema(folder / SLATES).field("member").type
            if pa.types.is_integer(own) != pa.types.is_integer(kind):
                raise ValueError(
                    f"{folder / SLATES} has member ids of type {own}, the member list of "
                    f"type {kind}: waves are drawn by id, which must stay what it was"
                )
            for ids in read_mailed(folder / SLATES):
                mails = Columns.from_arrow(pa.table({"member": ids}))
                yield follow(mails["member"], aliases)

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
    check.whole("--wave", number, 1, MOST)
    if (out / SEND).exists():
        raise ValueError(f"{out} holds a send to everybody; a wave would mail members again")
    _refuse_later(out, number)
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


def _refuse_later(out: Path, number: int) -> None:
    """Raise ValueError where a later wave is out and this one is not: it was done otherwise then.

    Whom it mailed then nobody knows, and the later wave relied on it.
    """
    names = [path.parent.name.removeprefix("wave-") for path in out.glob(f"wave-*/{SEND}")]
    later = [int(name) for name in names if name.isdecimal()]
    if any(one > number for one in later) and number not in later:
        raise ValueError(
            f"{out / f'wave-{max(later)}'} is sent, and {out / f'wave-{number}'} holds no {SEND} "
            "any more: to send it again would mail members twice; bring back what it held"
        )


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
