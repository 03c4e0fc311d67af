"""How many slots dirty texts move.

python -m experiments.checks.dirty_text [SIMULATOR [SEED ...]]

A policy learns from thirteen clean issues. The texts of the next pool are then made dirty, each way
alone and all ways at once, on every article or on every other one, and the same slates are drawn
again. Counted are the slots that show another article than with clean texts, and what the slates
lose in expected clicks: first as the texts would be read without cleaning
(`bandit.features.clean`), then as they are read. Open this file to see what dirt is.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape

import pandas as pd

from bandit.core import keys
from bandit.features.features import Features
from bandit.slates.propensity import draw
from experiments.checks.rates import load_preset
from experiments.runner.configs import make, read_policy
from simulators.base import Simulator
from simulators.play import play

Dirt = Callable[[str, str], tuple[str, str]]  # title and summary, as they are and as they come
LEARNED = 13  # issues
LONG = 50_000  # words
SMALL_WORDS = [
    "and",
    "any",
    "are",
    "for",
    "in",
    "it",
    "many",
    "more",
    "of",
    "on",
    "the",
    "we",
    "with",
]


def _spell(text: str) -> str:
    """The text with entities where HTML may have them."""
    return escape(text).replace(" ", "&nbsp;", 2).replace("-", "&#8208;").replace(",", "&#44;")


def _veil(text: str) -> str:
    """The text with characters that are not seen, within its words and around it."""
    return "\u202a" + text.replace("in", "i\u00adn").replace("er", "e\u200br") + "\u202c"


def _print(text: str) -> str:
    """The text as a printer sets it, with ligatures, wide spaces and long dashes, and a picture."""
    set_in_type = text.replace("fi", "\ufb01").replace(" ", "\u2003", 3).replace("-", "\u2011")
    return f"\u2764\ufe0f {set_in_type}"


def _go_on(text: str) -> str:
    """The text and `LONG` words more of no particular subject, others for each text."""
    rng = keys.generator("dirty text", text)
    words = " ".join(rng.choice(SMALL_WORDS, LONG))
    return f"{text} {words.capitalize()}."


def _link(text: str) -> str:
    """The text with what counts the clicks on it."""
    link = "https://news.example.org/a/17?utm_source=feed&utm_medium=rss&utm_campaign=weekly"
    return f"{text} {link} (editor@example.org)"


WAYS: Mapping[str, Dirt] = {
    "entities": lambda title, summary: (_spell(title), _spell(summary)),
    "entities, escaped twice": lambda title, summary: (
        escape(_spell(title)),
        escape(escape(_spell(summary))),
    ),
    "tags": lambda title, summary: (
        f"<h2>{title}</h2>",
        f'<p class="lead">{summary.replace("that ", "<b>that</b> ", 1)}</p><br/><img src="a.png">',
    ),
    "scripts and styles": lambda title, summary: (
        title,
        f"<style>p {{ color: red }}</style>{summary}<script>let a = 1 < 2;</script>",
    ),
    "a call to read on": lambda title, summary: (
        title,
        f"{summary} Read the full story on our site.",
    ),
    "an unknown boilerplate": lambda title, summary: (
        title,
        f"{summary} Brought to you by the Springfield chapter and its many friends.",
    ),
    "a title in capitals": lambda title, summary: (title.upper(), summary),
    "all in capitals": lambda title, summary: (title.upper(), summary.upper()),
    "links": lambda title, summary: (title, _link(summary)),
    "invisible characters": lambda title, summary: (_veil(title), _veil(summary)),
    "typographic characters": lambda title, summary: (_print(title), _print(summary)),
    "a page of 50,000 words": lambda title, summary: (
        title,
        _go_on(summary),
    ),
}
LOSSES: Mapping[str, Dirt] = {  # ways in which something is lost that no cleaning brings back
    "no summary": lambda title, _: (title, ""),
    "two words": lambda title, _: (" ".join(title.split()[:2]), ""),
    "one letter": lambda title, _: (title[:1], ""),
    "in Finnish": lambda title, summary: (
        "Uudet s\u00e4\u00e4nn\u00f6t naloksonin jakelusta apteekeissa",
        "Sairaaloiden l\u00e4\u00e4kepula pahenee t\u00e4n\u00e4 talvena",
    ),
}


def dirty_all_ways(title: str, summary: str) -> tuple[str, str]:
    """All of `WAYS` at once, but the long page; capitals and entities stand in the way of none."""
    title, summary = title.upper(), _veil(_print(summary))
    summary = f"{summary} Brought to you by the Springfield chapter and its many friends."
    summary = f"{_link(summary)} Read the full story on our site."
    title, summary = WAYS["scripts and styles"](title, f"<p>{escape(summary)}</p>")
    return escape(f"<h2>{_spell(title)}</h2>"), escape(summary)


def make_dirty(articles: pd.DataFrame, dirt: Dirt, every: int) -> pd.DataFrame:
    """The pool with every `every`-th article made dirty."""
    pairs = zip(articles["title"], articles["summary"], strict=True)
    texts = [dirt(*pair) if j % every == 0 else pair for j, pair in enumerate(pairs)]
    titles, summaries = zip(*texts, strict=True)
    return articles.assign(title=list(titles), summary=list(summaries))


def count_moved(
    simulator: Simulator, features: Features, ways: Mapping[str, Dirt], every: int
) -> pd.DataFrame:
    """For each way: the share of slots that it moves, and the share of clicks that it costs.

    Raw are texts as they come, read are texts as they are read.
    """
    policy = make(read_policy("profile"))
    for _ in play(policy, simulator, issues=LEARNED):
        pass
    context = simulator.issue(LEARNED + 1)
    slates = draw(policy.plan(context), context, simulator.seed)
    clicks = simulator.expected(context, slates).sum()
    readers = {"raw": replace(features, verbatim=True), "read": features}
    rows: dict[str, dict[str, float]] = {}
    for way, dirt in ways.items():
        dirty = make_dirty(context.articles.to_pandas(), dirt, every)
        row: dict[str, float] = {}
        for name, reader in readers.items():
            told = replace(context, article_features=reader.encode_articles(dirty))
            moved = draw(policy.plan(told), told, simulator.seed)
            row[f"{name}_slots"] = float((moved.choice != slates.choice).mean())
            row[f"{name}_clicks"] = 1 - float(simulator.expected(context, moved).sum() / clicks)
        rows[way] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def measure(preset: str, seeds: Sequence[int]) -> pd.DataFrame:
    """Means over the seeds, for every article and for every other one."""
    ways = {**WAYS, "all of these but the page": dirty_all_ways, **LOSSES}
    tables = []
    for seed in seeds:
        simulator = make(load_preset(preset) | {"seed": seed})
        parts = {
            name: count_moved(simulator.twin(), simulator.features, ways, every)
            for name, every in (("all", 1), ("half", 2))
        }
        tables.append(pd.concat(parts, axis=1))
    together = pd.concat(tables, keys=seeds).groupby(level=1, sort=False)
    return together.mean()


def write_table(table: pd.DataFrame) -> str:
    """The table for docs/reading.md, in per cent."""
    heads = [" ".join(head).replace("_", " ") for head in table.columns.to_flat_index()]
    lines = ["| dirt | " + " | ".join(heads) + " |", "| --- |" + " --- |" * len(heads)]
    for way, row in table.iterrows():
        lines.append(f"| {way} | " + " | ".join(f"{100 * value:.1f}" for value in row) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    name, *seeds = sys.argv[1:] or ["informz"]
    print(write_table(measure(name, [int(seed) for seed in seeds] or [700, 701, 702])))
