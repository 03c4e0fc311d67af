"""What machines do with a mail, as settings of `Noise`: what is documented, and what we made up.

Sources: Marketo on Barracuda, and Live Direct Marketing (all links, at once); Mautic issue 9798 (a
gateway follows all links and the tracking pixel); Arternal (links are checked again when the mail
is opened); Microsoft on Safe Links, Proofpoint on URL Defense (at the time of the click); Suped
2025 (Gmail opens within the first minute: prefetching and previews). The times of the others are
ours: they ask whether the filter depends on those that are usual.
"""

from typing import Any

import numpy as np

from simulators.noise.gateways import Gateway

QUIET: dict[str, Any] = {"declares": 0, "pixel": 0, "unsubscribe": False, "scans": 0.6}


def make(share: float = 0.2, corporate: float = 0.6, **gateway: Any) -> dict[str, Any]:
    """A setting with one kind of gateway that says nothing of itself.

    share: of clicks that are scanners'; corporate: share of members with an organisation's address
    gateway: options of `Gateway`
    """
    only = {"g": Gateway(**(QUIET | gateway))}
    return {"scanner_share": share, "corporate": corporate, "gateways": only}


SIGNATURES: dict[str, dict[str, Any]] = {
    "none at all": {"scanner_share": 0.0},
    "usual (default)": {},
    "business list, .63 of clicks": {"scanner_share": 0.63, "corporate": 0.8},
    "all links at once": make(first=(0.5, 3), gap=0.05, scans=0.3),
    "all links, from the last to the first": make(first=(1, 30), gap=0.5, order="reverse"),
    "all links in order 1.5 s apart, after 3 h": make(first=(10000, 11500), gap=1.5, steady=True),
    "all links again, by night": make(first=(21600, 43200), gap=2, scans=0.3),
    "1-10 min apart, .3 of clicks": make(0.3, first=(60, 3600), gap=300),
    "1-10 min apart, .8 of clicks": make(0.8, 0.7, first=(60, 600), gap=300),
    "the same, each from elsewhere": make(
        0.8, 0.7, first=(60, 600), gap=300, rotates=True, networks=500, order="random"
    ),
    "an hour apart": make(0.3, first=(60, 3600), gap=3600, scans=0.5),
    "half of the links, for hours": make(0.3, first=(3600, 36000), gap=30, links=0.5),
    "one link at once": make(first=(2, 60), most=1),
    "one link within 10 min": make(first=(60, 600), most=1),
    "one link within the hour": make(corporate=0.8, first=(600, 3600), most=1, scans=0.9),
    "two links, on site": make(first=(60, 600), most=2, gap=20, onsite=True),
    "images, then all links": make(first=(5, 90), gap=1, lead=4, pixel=1),
    "images, then all links, slowly": make(0.3, first=(60, 600), gap=5, lead=30, pixel=1),
    "images, then all links, .8 of clicks": make(
        0.8, 0.7, first=(60, 600), gap=5, lead=30, pixel=1
    ),
    "images, then a link an hour": make(
        0.3, first=(60, 3600), gap=3600, lead=30, pixel=1, scans=0.5
    ),
    "images, then a link a day": make(
        0.3, first=(60, 3600), gap=86400, lead=30, pixel=1, scans=0.5
    ),
    "images, then half of the links, an hour apart": make(
        0.3, first=(60, 3600), gap=3600, lead=30, pixel=1, scans=0.5, links=0.5
    ),
    "images, then one link, hours later": make(0.3, first=(3600, 36000), lead=30, pixel=1, most=1),
    "on site, minutes after the reader": make(
        first=(60, 600), gap=200, most=3, when="open", onsite=True
    ),
    "when the reader opens": make(first=(1, 20), gap=1, when="open"),
    "what the reader clicks": make(first=(0.5, 5), when="click", scans=1),
    "silent pixels, 1-120 s": {
        "scanner_share": 0.0,
        "gateways": {"g": Gateway(**(QUIET | {"first": (1, 120), "links": 0, "pixel": 1}))},
    },
    "webmail's cache at notification": {"noticed": 0.5},
    "people in a hurry": {"open_hours": 0.3, "click_seconds": 5.0, "tabs": 0.5},
}


def draw_setting(seed: int) -> dict[str, Any]:
    """A setting that nobody chose: one to three kinds of gateways, and any share of clicks."""
    rng = np.random.default_rng([77, seed])

    def draw(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def pick(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    def make_gateway() -> Gateway:
        when = pick(*["delivery"] * 8, "open", "click")
        low = draw(0.5, 20000) if when == "delivery" else draw(0.3, 10)
        return Gateway(
            weight=rng.uniform(0.3, 1),
            scans=draw(0.05, 1),
            links=pick(1.0, 1.0, 1.0, 0.7, 0.5, 0.3),
            first=(low, low * draw(1.05, 10)),
            gap=draw(0.05, 600),
            pixel=pick(0.0, 0.0, 0.3, 1.0),
            declares=pick(0.0, 0.0, 0.0, 0.2),
            head=pick(0.0, 0.0, 0.0, 0.3),
            networks=pick(1, 4, 50, 500),
            rotates=bool(rng.random() < 0.3),
            onsite=bool(rng.random() < 0.15),
            unsubscribe=bool(rng.random() < 0.5),
            order=pick("mail", "mail", "random", "reverse"),
            steady=bool(rng.random() < 0.3),
            most=pick(0, 0, 0, 0, 1, 2, 3),
            lead=pick(0.0, 0.0, 3.0, 20.0),
            when=when,
        )

    setting: dict[str, Any] = {
        "scanner_share": pick(0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8),
        "corporate": float(rng.uniform(0.3, 0.8)),
        "domains": pick(50, 300, 300, 2000),
        "gateways": {f"g{i}": make_gateway() for i in range(pick(1, 1, 1, 2, 3))},
    }
    if rng.random() < 0.25:
        setting["open_hours"], setting["tabs"] = draw(0.3, 8), float(rng.uniform(0, 0.5))
        setting["click_seconds"] = draw(5, 60)
    if rng.random() < 0.2:
        setting["blocked"] = float(rng.uniform(0, 0.5))
        setting["prefetch_share"] = float(rng.uniform(0.2, 0.6))
    if rng.random() < 0.2:
        setting["tunnel"], setting["relay"] = (float(rng.uniform(0, top)) for top in (0.5, 0.8))
    return setting
