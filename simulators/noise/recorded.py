"""Feedback as a sender knows it: what people did, seen through a tracking log.

The truth passes through the noise of a real log, and through the hygiene filter or not.
"""

from bandit.core.types import Context, Feedback, Slates
from bandit.log.doubt import draw_feedback
from bandit.log.events import read_feedback
from bandit.log.hygiene import tag
from simulators.noise.noise import Noise


def record_feedback(
    noise: Noise, context: Context, slates: Slates, feedback: Feedback, hygiene: bool, seed: int
) -> Feedback:
    """What `feedback` looks like in the log of one issue.

    hygiene: only what people did counts, as far as the filter can tell; where it is not sure, and
        who opened unseen, is drawn, as `serving.ingest` does. False counts every recorded open and
        click
    seed: keys these draws
    Reading times are lost either way. Shares of noise hold for these mails, so the parts of an
    issue (waves) have noise of their own.
    """
    events, _ = noise.record_events(context, slates, feedback, strict=False)
    if not hygiene:
        return read_feedback(events.assign(tag="human"), context, slates, feedback.delivered)
    return draw_feedback(tag(events), context, slates, feedback.delivered, seed)
