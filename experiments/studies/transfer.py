"""Transfer: newsletter profiles choose sessions and renewal messages, against less and none."""

from experiments.report.study.figures import draw_gains
from experiments.report.study.page import Finding
from experiments.study.cells import Cells, Gain
from experiments.study.words import advise, tell_change

MAILS = {"conference": "sessions", "renewal": "renewal"}  # by world, as its policies are named
LEFT = {"attributes": "attributes alone", "nothing": "nothing"}


def find(cells: Cells) -> Finding:
    """What profiles bring over attributes alone, over nothing, and over segments."""
    gains: dict[tuple[str, str], Gain] = {}
    first: dict[tuple[str, str], Gain] = {}
    begins = min(14, int(cells.worlds["conference"]["issues"]))
    for world, mail in MAILS.items():
        rivals = {words: f"{left}, {mail}" for left, words in LEFT.items()}
        for words, rival in (rivals | {"learned segments": "segment_learned"}).items():
            gains[mail, words] = cells.gain("profile", rival, world, name=world)
            if world == "conference":
                end = begins + 2
                first[mail, words] = cells.gain("profile", rival, world, last=end, name=world)
    alone, none = (gains["sessions", words] for words in LEFT.values())
    headline = (
        f"Choosing conference sessions, profiles brought from the newsletter get "
        f"{tell_change(alone)} than what attributes alone carry over, and {tell_change(none)} than "
        "a start from nothing."
    )
    renewals = (gains["renewal", words] for words in LEFT.values())
    return Finding(
        headline=headline,
        advice=advise(
            alone,
            len(cells.seeds),
            "Let the newsletter\u2019s profiles choose conference sessions too, and most of all "
            "the first programmes, for which there are no clicks yet.",
            "Begin conference sessions without what newsletters taught of single members: it "
            "costs clicks.",
            "Bring what newsletters taught of attributes to conference sessions; what they taught "
            "of single members is not shown to add to it.",
        ),
        say=[
            f"In the first three programmes it is "
            f"{tell_change(first['sessions', LEFT['attributes']])} than attributes alone and "
            f"{tell_change(first['sessions', LEFT['nothing']])} than nothing; later programmes "
            "teach those who started without, too.",
            "Choosing renewal messages, profiles get "
            + " and ".join(
                f"{tell_change(gain)} than {words}"
                for gain, words in zip(renewals, LEFT.values(), strict=True)
            )
            + ".",
        ],
        figure=draw_gains(
            "transfer",
            "Clicks of profiles brought from the newsletter, against bringing less",
            [
                (f"{mail.capitalize()}, over {words}", "star" if k == 0 else "other", gain)
                for (mail, words), gain in gains.items()
                for k in [list(MAILS.values()).index(mail)]
            ],
            "bringing less",
        ),
        caption="Clicks of conference programmes and of renewal messages alone. Bars: 95\u00a0% "
        "intervals over seeds.",
        columns=["Mail", "Against", "Gain of profiles", "In the first three"],
        rows=[
            [
                mail,
                words,
                gain.tell(),
                first[mail, words].tell() if (mail, words) in first else "",
            ]
            for (mail, words), gain in gains.items()
        ],
    )
