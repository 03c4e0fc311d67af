"""Published figures beside ours, and where they drift: python -m experiments.evidence

Writes docs/evidence.md from figures.yaml beside this file. Whoever measures a figure anew enters it
there with its date, and runs this.
"""

import argparse
from pathlib import Path

import yaml

from bandit.core.files import replacing
from experiments.runner.configs import ROOT, Settings
from experiments.runner.one_line import in_one_line

FIGURES = Path(__file__).with_name("figures.yaml")
PAGE = ROOT / "docs" / "evidence.md"
AIMS = {
    "near": "within {within:.0%} of the published figure",
    "most": "no higher than the published figure",
    "least": "no lower than the published figure",
    "in": "inside the published range",
    "limit": "none; the published figure is a limit that nobody can pass",
}
HEAD = """# Evidence: published figures beside ours

Made by `python -m experiments.evidence` from `experiments/evidence/figures.yaml`, in which each
figure is entered with the date when it was measured. **drifts** marks a figure that misses what
it aims at. A dash has not been measured.
"""


def read_groups(path: Path = FIGURES) -> list[Settings]:
    """The groups of figures. Raises ValueError naming the group and what it lacks."""
    groups: list[Settings] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for group in groups:
        name = group.get("name")
        for key in ("name", "source", "command", "date", "aim", "figures"):
            if key not in group:
                raise ValueError(f"{path}: {name}: {key} is missing")
        if group["aim"] not in AIMS:
            raise ValueError(f"{path}: {name}: aim = {group['aim']!r}; choose from {list(AIMS)}")
        if group["date"] is None and any(f["ours"] is not None for f in group["figures"]):
            raise ValueError(f"{path}: {name}: date is missing, and there are figures")
    return groups


def drifts(group: Settings, figure: Settings) -> bool:
    """Whether a figure misses what its group aims at; one that is not measured does not."""
    ours = figure["ours"]
    if ours is None:
        return False
    if group["aim"] == "in":
        return bool(ours < figure["low"] or ours > figure["high"])
    if group["aim"] in ("most", "limit"):
        return bool(ours > figure["published"])
    if group["aim"] == "least":
        return bool(ours < figure["published"])
    return bool(abs(ours / figure["published"] - 1) > group["within"])


def write_page(groups: list[Settings]) -> str:
    """The page as text."""
    measured = [(g, f) for g in groups for f in g["figures"] if f["ours"] is not None]
    wrong = sum(drifts(group, figure) for group, figure in measured)
    count = sum(len(group["figures"]) for group in groups)
    lines = [HEAD, f"{count} figures, {len(measured)} measured, {wrong} marked as drifting.\n"]
    for group in groups:
        when = f" Measured {group['date']}" if group["date"] else " Not measured yet"
        how = f" by `{group['command']}`." if group["command"] else "."
        aim = AIMS[group["aim"]].format(within=group.get("within", 0))
        lines += [f"## {group['name']}\n", f"Source: {group['source']}.{when}{how} Aim: {aim}.\n"]
        lines += ["| figure | published | ours | |", "| --- | --- | --- | --- |"]
        for figure in group["figures"]:
            shown = figure.get("published")
            told = f"{figure['low']:g} to {figure['high']:g}" if shown is None else f"{shown:g}"
            ours = "-" if figure["ours"] is None else f"{figure['ours']:g}"
            away = "" if shown is None or figure["ours"] is None else _compare(figure)
            mark = " **drifts**" if drifts(group, figure) else ""
            lines.append(f"| {figure['what']} | {told} | {ours} | {away}{mark} |")
        lines.append("")
    return "\n".join(lines)


def _compare(figure: Settings) -> str:
    return f"{figure['ours'] / figure['published'] - 1:+.1%}".replace("+0.0%", "0.0%")


def main() -> None:
    """Write the page, or say that it is not what the figures say."""
    parser = argparse.ArgumentParser(
        prog="python -m experiments.evidence", description="Write docs/evidence.md."
    )
    parser.add_argument(
        "--out", type=Path, default=PAGE, help="the page (default: docs/evidence.md)"
    )
    with in_one_line("evidence"):
        place = parser.parse_args().out
        if not place.parent.is_dir():
            raise ValueError(f"there is no folder {place.parent}; name another page, --out FILE")
        with replacing(place) as part:
            part.write_text(write_page(read_groups()), encoding="utf-8")
        print(place)


if __name__ == "__main__":
    main()
