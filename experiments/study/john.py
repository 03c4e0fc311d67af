"""An association with a member of whom all is known: John, a hospital pharmacist."""

import numpy as np

from simulators import Association
from simulators.association.pools.catalogue import read_catalogue

TOPICS = ("pharmacogenomics", "career development", "leadership")
SEGMENT = "hospital pharmacist"  # John's
LIKES, OTHERS, OPENS, READY = 3.5, -1.0, 0.9, 1.0  # logits, logits, a rate, logits


class WithJohn(Association):
    """An association whose first hospital pharmacist wants three topics and little else.

    John opens nine newsletters of ten and clicks readily. He wants pharmacogenomics, career
    development and leadership, whatever his attributes say; policies are told his attributes alone,
    like everybody's. The options are those of `Association`.

    Raises ValueError where there is no hospital pharmacist from the first issue on.
    """

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]  # they are checked there
        kind = self.members.iloc[:, 1].astype("str").to_numpy()
        rows = np.flatnonzero((kind == SEGMENT) & (self._joined == 1))
        if not len(rows):
            raise ValueError(f"members = {len(self.members)}: none is a {SEGMENT}; use more")
        self.row = row = int(rows[0])
        self.topic_names = names = [t.name for t in read_catalogue("pharmacy").topics]
        interests = self._interests
        start = interests.sd.shape[0] - len(names)
        wanted = np.array([LIKES if name in TOPICS else OTHERS for name in names])
        interests.personal[row, start:] = wanted - interests.mean[row, start:]
        interests.personal[row, :start] = -interests.mean[row, :start]
        interests.personal[row, 0] += READY
        self._wants._ready[row] = READY
        self._audience.delivery.rate[row] = OPENS

    @property
    def john(self) -> int:
        """His member id."""
        return int(self.members["member"].iloc[self.row])
