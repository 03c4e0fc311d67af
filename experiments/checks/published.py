"""Published figures of association e-mail that the presets `informz` and `higher_logic` aim at.

Only figures and their sources are here; `experiments.checks.rates` counts the simulated ones.
"""

from dataclasses import dataclass

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
INFORMZ = "Informz 2017"
HIGHER_LOGIC = "Higher Logic 2023"
FATIGUE = "opened at 21-25 mails a month, of that at up to 5"
OVERALL = "opened of delivered, each mailing counted once"
DYNAMIC = "clicked with dynamic content, of that without"
OPENED = (0.3629, 0.3634, 0.3589, 0.3645, 0.3692)  # of delivered, Monday to Friday
CLICKED = (0.0203, 0.0205, 0.0227, 0.0198, 0.0196, 0.0164, 0.0203)  # of delivered, Monday to Sunday
RANGES = (
    ("unsubscribed of delivered", 0.001, 0.003, "published unsubscribe rates"),
    ("prefetched of recorded opens", 0.5, 0.6, "Litmus, Benchmark 2025"),
    ("scanners' of recorded clicks", 0.1, 0.3, "Live Direct Marketing"),
)


@dataclass(frozen=True)
class Published:
    """A published rate of one preset, or a range of rates.

    preset: the simulator that aims at it
    what: which rate it is; the name that `experiments.checks.rates.measure` gives it
    low, high: the ends of the range; equal where one rate was published
    source: who published it
    """

    preset: str
    what: str
    low: float
    high: float
    source: str

    def error(self, measured: float) -> float:
        """Relative distance from the rate, or from the nearer end of the range: 0 inside."""
        nearest = min(max(measured, self.low), self.high)
        return measured / nearest - 1


def _at(preset: str, what: str, rate: float, source: str) -> Published:
    return Published(preset, what, rate, rate, source)


PUBLISHED = (
    _at("informz", "delivered of sent", 0.98, INFORMZ),
    _at("informz", "opened of delivered", 0.356, INFORMZ),
    _at("informz", "clicked of opened", 0.156, INFORMZ),
    _at("informz", FATIGUE, 0.902, f"{INFORMZ}: 20.3 % of 22.5 %"),
    _at("higher_logic", OVERALL, 0.3818, HIGHER_LOGIC),
    _at("higher_logic", DYNAMIC, 1.196, f"{HIGHER_LOGIC}: 3.24 % to 2.71 %"),
    *(
        _at("higher_logic", f"{what} of delivered, {day}", rate, HIGHER_LOGIC)
        for what, rates in (("opened", OPENED), ("clicked", CLICKED))
        for day, rate in zip(DAYS, rates, strict=False)
    ),
    *(Published(preset, *figure) for preset in ("informz", "higher_logic") for figure in RANGES),
)
