"""An association with some members of whom all is known: Johns, hospital pharmacists."""

import numpy as np

from bandit.core import check
from simulators import Association
from simulators.association.pools.catalogue import read_catalogue

TOPICS = ("pharmacogenomics", "career development", "leadership")
SEGMENT = "hospital pharmacist"  # every John's
LIKES, OTHERS, OPENS, READY = 3.5, -1.0, 0.9, 1.0  # logits, logits, a rate, logits


class WithJohns(Association):
    """An association whose first hospital pharmacists want three topics and little else.

    A John opens nine newsletters of ten and clicks readily. He wants pharmacogenomics, career
    development and leadership, whatever his attributes say; policies are told his attributes alone,
    like everybody's. The other options are those of `Association`.

    johns: how many there are; more say more of Johns, and make a segment a little more like them

    Raises ValueError where there are fewer hospital pharmacists from the first issue on.
    """

    def __init__(self, johns: int = 12, **options: object) -> None:
        check.whole("johns", johns, 1)
        super().__init__(**options)  # type: ignore[arg-type]  # they are checked there
        kind = self.members.iloc[:, 1].astype("str").to_numpy()
        rows = np.flatnonzero((kind == SEGMENT) & (self._joined == 1))
        if len(rows) < johns:
            raise ValueError(
                f"johns = {johns}: of members = {len(self.members)} only {len(rows)} are "
                f"{SEGMENT}s from the first issue on; use fewer, or more members"
            )
        self.rows = rows = rows[:johns]
        self.topic_names = names = [t.name for t in read_catalogue("pharmacy").topics]
        interests = self._interests
        start = interests.sd.shape[0] - len(names)
        wanted = np.array([LIKES if name in TOPICS else OTHERS for name in names])
        interests.personal[rows, start:] = wanted - interests.mean[rows, start:]
        interests.personal[rows, :start] = -interests.mean[rows, :start]
        interests.personal[rows, 0] += READY
        self._wants._ready[rows] = READY
        self._audience.delivery.rate[rows] = OPENS

    @property
    def johns(self) -> list[int]:
        """Their member ids."""
        return [int(each) for each in self.members["member"].iloc[self.rows]]
