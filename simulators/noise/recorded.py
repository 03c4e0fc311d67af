"""Feedback as a sender knows it: what people did, seen through a tracking log.

The truth passes through the noise of a real log, and through the hygiene filter or not.
"""

import numpy as np
import pandas as pd

from bandit.core.types import Context, Feedback, Floats, Slates
from bandit.log.events import estimate_open_rate, read_feedback
from bandit.log.hygiene import tag
from simulators.noise.noise import Noise


def record_feedback(
    noise: Noise, context: Context, slates: Slates, feedback: Feedback, hygiene: bool, luck: Floats
) -> Feedback:
    """What `feedback` looks like in the log of one issue.

    hygiene: only what people did counts, as far as the filter can tell, and who opened unseen is
        drawn by the estimated chance; False counts every recorded open and click
    luck [n]: keyed uniforms for those draws
    Reading times are lost either way. Shares of noise hold for these mails, so the parts of an
    issue (waves) have noise of their own.
    """
    events, _ = noise.record_events(context, slates, feedback, strict=False)
    delivered = feedback.delivered
    if not hygiene:
        return read_feedback(events.assign(tag="human"), context, slates, delivered)
    tagged = tag(events)
    mails = pd.DataFrame({"campaign": context.campaign, "member": context.member_ids[delivered]})
    opened = np.zeros(len(delivered), dtype=bool)
    opened[delivered] = luck[delivered] < estimate_open_rate(tagged, mails).chance
    return read_feedback(tagged, context, slates, delivered, opened)
