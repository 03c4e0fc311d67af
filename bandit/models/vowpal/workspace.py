"""Care of Vowpal Wabbit: what it is given as text, models as bytes, and questions that bring back costs or VW's own pmf.

VW learns from a propensity of 1.5, is destroyed by an infinite cost, skips a propensity of 0 without a word and takes `|`,
`:` and line ends in text for syntax. So only numbers made here reach it, and labels are checked first.

A model lives as the bytes VW saves and is opened for each issue anew. Not everything VW keeps in memory is saved (with more
than one set of weights, as in bag, cover, rnd and dr, it forgets the scale of all but the first), so a model that was
kept open would differ from one that was restored: its progressive loss is the driver's to 1e-4, that of a model reopened
each issue to about 1 % for those. Predictions change the bytes (VW counts them), so planning drops its copy.
"""

import re
import struct
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bandit.core import check, exact, keys
from bandit.core.state import State
from bandit.core.types import Bools, Context, Floats, Ints, Round
from bandit.features.features import Features

SEED = 1  # of VW's own draws (bagging, random networks)


def workspace(arguments: str, *files: str) -> Any:
    """VW, with these arguments and then those that may hold blanks."""
    from vowpalwabbit import Workspace

    return Workspace(arg_list=[*arguments.split(), *files, "--quiet"])


def fresh(arguments: str) -> bytes:
    """An untaught model."""
    return saved(workspace(f"{arguments} --random_seed {SEED}"))


@contextmanager
def opened(model: bytes, arguments: str) -> Iterator[Any]:
    """A workspace that goes on from `model`; the arguments are those it was made with. The seed is in the model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.vw"
        path.write_bytes(model)
        vw = workspace(arguments, "-i", str(path))
    try:
        yield vw
    finally:
        vw.finish()


def saved(vw: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.vw"
        vw.save(str(path))
        return path.read_bytes()


class Inputs(NamedTuple):
    """How much VW is told: `switches` of a member, numbers of an article. Its model says neither."""

    member_switches: int
    article_features: int


def inputs(features: Features) -> Inputs:
    nobody = np.zeros((0, len(features.member_names)))
    return Inputs(switches(features.member_names, nobody).shape[1], len(features.article_names) - 1)


def packed(model: bytes, decisions: int, inputs: Inputs) -> dict[str, NDArray[Any]]:
    """A policy's state. With a digest: VW loads a truncated model without complaint."""
    parts = {"model": model, "digest": _digest(model)}
    counts = {"decisions": np.array([decisions]), "inputs": np.array(inputs)}
    return {name: np.frombuffer(part, dtype=np.uint8) for name, part in parts.items()} | counts


def unpacked(state: State, arguments: str, inputs: Inputs) -> tuple[bytes, int]:
    """The inverse of `packed`. Raises ValueError for a model that is damaged or was made by other arguments, of other
    inputs or by another VW.

    A model carries options and VW obeys them, so they must be those that an untaught model has.
    """
    check.shape("decisions", state["decisions"], (1,))
    decisions = int(state["decisions"][0])
    check.at_least("decisions", decisions, 0)
    check.shape("inputs", state["inputs"], (2,))
    for what, theirs, ours in zip(Inputs._fields, state["inputs"].tolist(), inputs, strict=True):
        if theirs != ours:
            raise ValueError(
                f"vw model was made with {theirs} {what.replace('_', ' ')}; must be {ours}"
            )
    model = state["model"].tobytes()
    if state["digest"].tobytes() != _digest(model):
        raise ValueError(f"vw model of {len(model)} bytes is damaged: its digest is another")
    untaught, header = _header(fresh(arguments)), _header(model)
    if untaught != header:
        raise ValueError(f"vw model was made with {header}; must be {untaught}")
    try:
        with opened(model, arguments):
            return model, decisions
    except RuntimeError as error:
        raise ValueError(f"vw model of {len(model)} bytes cannot be read: {error}") from None


def _digest(model: bytes) -> bytes:
    return blake2b(len(model).to_bytes(8, "little") + model, digest_size=16).digest()


def _header(model: bytes) -> tuple[str, int, str]:
    """VW's version, the bits and the options in a model, without the random state (a whole number)."""
    try:
        version, at = _text(model, 0)
        _, at = _text(model, at)
        at += 9  # a letter, the smallest and the largest label
        bits, *rest = struct.unpack_from("<4I", model, at)
        options, _ = _text(model, at + 16)
    except (struct.error, UnicodeDecodeError):
        raise ValueError(f"vw model of {len(model)} bytes is none") from None
    if any(rest):
        raise ValueError(f"vw model was made with options of another kind: {rest}")
    return version, bits, " ".join(re.sub(r"--random_seed \d+( |$)", " ", options).split())


def _text(model: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", model, at)
    end = at + 4 + length
    if end > len(model):
        raise struct.error
    return model[at + 4 : end].rstrip(b"\0").decode("ascii"), end


def interacting(interactions: Sequence[str]) -> str:
    """VW's arguments for these interactions. Raises ValueError unless each is made of the namespaces' letters."""
    if isinstance(interactions, str):
        raise ValueError(f"interactions = {interactions!r}; must be a list such as ['ma']")
    for pair in interactions:
        if not isinstance(pair, str) or not 2 <= len(pair) <= 4 or set(pair) - set("ma"):
            raise ValueError(
                f"interactions: {pair!r}; must be two to four of the namespaces m (member) and a (article)"
            )
    return " ".join(f"--interactions {pair}" for pair in interactions)


def numbers(**values: float) -> str:
    """Arguments made of numbers: nothing else gets on VW's command line. Raises ValueError for any other value."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise ValueError(f"{name} = {value!r}; must be a finite number")
    return " ".join(f"--{name} {value!r}" for name, value in values.items())


def whole(what: str, value: int, most: int) -> None:
    """Raise ValueError unless `value` is a whole number from 1 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{what} = {value!r}; must be a whole number from 1 to {most}")


def learning(
    learning_rate: float, l2: float, clip: float, interactions: Sequence[str], bits: int
) -> str:
    """VW's arguments for how it learns. Raises ValueError for what it should not be told."""
    check.at_least("learning_rate", learning_rate, 1e-6)
    check.at_least("l2", l2, 0)
    check.share("clip", clip)
    whole("bits", bits, 31)
    return f"{numbers(learning_rate=learning_rate, l2=l2, clip_p=clip)} {interacting(interactions)} -b {bits}"


QUARTERS = (-0.67, 0.0, 0.67)  # of a standard normal


def switches(names: Sequence[str], members: Floats) -> Bools:
    """Member features [n, p] by `names` as what is switched on [n, f]: attribute values, and the quarter a number falls in,
    so that members share few combinations."""
    worded = np.array(["=" in name for name in names])
    numeric = members[:, ~worded & (np.array(names) != "constant")]
    quarter = np.searchsorted(QUARTERS, numeric)[:, :, None] == np.arange(len(QUARTERS) + 1)
    return np.hstack(
        [
            members[:, worded] != 0,
            quarter.reshape(len(members), numeric.shape[1] * quarter.shape[2]),
        ]
    )


def member_line(on: Bools) -> str:
    """The attribute values [p] that a member has."""
    return "shared |m " + " ".join(map(str, np.flatnonzero(on)))


def article_lines(context: Context) -> list[str]:
    """One line for each article of the pool: rendered once an issue. Raises ValueError for numbers VW would drown in."""
    if not np.abs(context.article_features).max() < 1e6:
        raise ValueError(
            f"article_features reach {np.abs(context.article_features).max():.3g}; must stay below 1e6: scale them"
        )
    return [
        "|a " + " ".join(f"{d}:{value:.6f}" for d, value in enumerate(row))
        for row in context.article_features[:, 1:]
    ]


def label(action: int | str, cost: float, propensity: float) -> str:
    """Raises ValueError for what would harm a model."""
    if not 0 < propensity <= 1:
        raise ValueError(f"propensity = {propensity}; must be in (0, 1]")
    if not np.isfinite(cost):
        raise ValueError(f"cost = {cost}; must be finite")
    return f"{action}:{cost:.6f}:{max(propensity, 1e-9):.9f}"  # 0 would be skipped without a word


def taught(round: Round, unclicked: float) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """What VW is shown of a round: rows, slots, articles, clicked, propensity, all [e]. Pins were nobody's decision; of the
    slots without a click a keyed share `unclicked` is kept, which scales all rates alike (He et al. 2014).

    Raises ValueError for a propensity outside (0, 1], naming its place.
    """
    rows, slots, index, clicked = round.exposures()
    slates, context = round.slates, round.context
    propensity = slates.propensity[rows, slots]
    check.propensities(propensity, rows, slots)
    chance = keys.uniforms(
        0, context.campaign, "vw", keys.member_keys(context.member_ids), slates.choice.shape[1]
    )
    keep = ~slates.pinned[rows, slots] & ((clicked > 0) | (chance[rows, slots] < unclicked))
    return rows[keep], slots[keep], index[keep], clicked[keep], propensity[keep]


def parsed(vw: Any, line: str) -> Any:
    return vw.parse(line)[0]


def teach(
    vw: Any,
    member: str,
    articles: list[Any],
    lines: list[str],
    j: int,
    cost: float,
    propensity: float,
) -> list[float]:
    """One decision: article j of the pool was shown. Parsed articles are reused, two lines are parsed.

    The pmf [m] that VW had before it learned.
    """
    shared = parsed(vw, member)
    shown = parsed(vw, f"{label(0, cost, propensity)} {lines[j]}")
    vw.learn([shared, *articles[:j], shown, *articles[j + 1 :]])
    pmf: list[float] = shared.get_action_scores()
    vw.predict([shared, shown])  # VW can take back only the list it predicted last
    vw.finish_example([shared, shown])
    return pmf


def release(vw: Any, question: list[Any]) -> None:
    """Give parsed examples back to VW, which takes back only a whole question that was just asked; else it may crash."""
    vw.predict(question)
    vw.finish_example(question)


FINE = 2.0**4  # costs are small and differ little: a finer grid for their sums


def answers(on: Bools, interactions: Sequence[str], ask: Callable[[Bools], Floats]) -> Floats:
    """`ask` [p] -> [...] for every member, on [n, p] -> [n, ...], with few questions.

    A cost is a sum over what is switched on, unless attributes interact with each other: then a member's answer is that
    of nobody in particular, plus what each value adds. Otherwise one question for each combination of attributes.
    """
    if any(pair.count("m") > 1 for pair in interactions):
        return each(on, ask)
    nobody = np.zeros(on.shape[1], dtype=bool)
    base = exact.snap(FINE * ask(nobody))
    one = np.eye(len(nobody), dtype=bool)
    added = np.stack(
        [
            FINE * ask(one[f]) - base if on[:, f].any() else np.zeros_like(base)
            for f in range(len(nobody))
        ]
    )
    flat = exact.dot(on.astype(np.float64), added.reshape(len(nobody), -1).T)
    return (base + flat.reshape(len(on), *base.shape)) / FINE


def each(on: Bools, ask: Callable[[Bools], Floats]) -> Floats:
    """`ask` for each combination of attributes among the members, on [n, p] -> [n, ...]."""
    combinations, member_of = np.unique(on, axis=0, return_inverse=True)
    if not len(combinations):  # of no members: only the shape is asked for
        return ask(np.zeros(on.shape[1], dtype=bool))[None][:0]
    asked: Floats = np.stack([ask(one) for one in combinations])
    return asked[member_of.ravel()]


def costs(vw: Any, member: str, articles: list[Any], slots: Sequence[Any] = ()) -> Floats:
    """VW's cost of each article [m]. slots: of a conditional bandit's question."""
    shared = parsed(vw, member)
    vw.predict([shared, *articles, *slots])
    found = np.array([article.get_partial_prediction() for article in articles])
    vw.finish_example([shared])
    check.finite("vw costs", found[None], [member])
    return found


FAR = 1000.0  # so that exp(-FAR) is 0


def tiers(vw: Any, member: str, articles: list[Any], enough: int) -> Floats:
    """The logarithm of VW's own pmf over the pool [m]; what has no mass is asked about again without the rest, and lies FAR
    lower. Asking stops when `enough` articles have their place; the others share the last tier."""
    shared = parsed(vw, member)
    score, left = np.zeros(len(articles)), np.arange(len(articles))
    depth = 0
    while len(left):
        pmf = np.ones(len(left))
        if len(articles) - len(left) < enough:
            pmf = np.array(vw.predict([shared, *(articles[j] for j in left)]))
        check.finite("vw pmf", pmf[None], [member])
        mass = pmf > 0
        if not mass.any():
            mass[:] = pmf[:] = True
        score[left[mass]] = np.log(pmf[mass] / pmf[mass].sum()) - FAR * depth
        left, depth = left[~mass], depth + 1
    vw.finish_example([shared])
    return score
