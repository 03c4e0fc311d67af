"""Two towers and a history: the forward pass, in numpy or torch, and its training, in torch.

Article j: v_j = a_j + A2 relu(A1 a_j). Member i: u_i = B x_i + C2 relu(C1 x_i) + n_i / (n_i + kappa) g * h_i, where h_i is
the mean of the v of the n_i articles clicked last, weighted by attention exp(t . v) (Yang et al. 2016, eq. 5-7). Score:
s_ij = sum_d w_d u_id v_jd. The towers are residual (He et al. 2016) and their outer layers start at zero, B at one constant:
the network begins as a newsletter that prefers nothing, and is bilinear in attributes and text until data says more.

Training: a listwise softmax in which stopping is one more choice. A member who opened picks articles one after another,
the one in slot j with probability e_j exp(s_j) / (1 + sum_l e_l exp(s_l)), until they stop (the 1). It is a multinomial
logit with an outside option (Train 2009, ch. 3), repeated. e_j is P(looked at), learned along, 1 for the first slot. Then
e_j exp(s_j) is the expected number of clicks: scores are log click rates, and an issue without a click, which says little
about order, still says how readily a member clicks.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from bandit.core.types import Floats, Ints

CLIP = 3.0  # attention weights stay within exp(+-3): no article is ever all or nothing
ADAM = ("z", "first", "second", "steps")

Shapes = Mapping[str, tuple[int, ...]]


def layout(p: int, q: int, dim: int, slots: int) -> dict[str, tuple[int, ...]]:
    """The weights by name, with their shapes: p member features, q article features, dim hidden units."""
    towers = {"B": (q, p), "C1": (dim, p), "C2": (q, dim), "A1": (dim, q), "A2": (q, dim)}
    return towers | {
        "attention": (1, q),
        "gain": (q,),
        "kappa": (1,),
        "last": (q,),
        "slots": (slots,),
    }


def split(flat: Any, shapes: Shapes) -> dict[str, Any]:
    """One vector of weights (numpy or torch) as named views."""
    parts, at = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        parts[name] = flat[at : at + size].reshape(shape)
        at += size
    return parts


def plain(a: Any, b: Any) -> Any:
    """a b', numpy or torch. Planning uses `exact.dot` in its place."""
    return a @ b.T


def article_tower(w: Mapping[str, Any], articles: Any, dot: Any) -> Any:
    """v [m, q] of articles [m, q]."""
    hidden = dot(articles, w["A1"])
    return articles + dot(hidden * (hidden > 0), w["A2"])


def attribute_tower(w: Mapping[str, Any], x: Any, dot: Any) -> Any:
    """What attributes x [n, p] say of a member, [n, q]."""
    hidden = dot(x, w["C1"])
    return dot(x, w["B"]) + dot(hidden * (hidden > 0), w["C2"])


def add_history(w: Mapping[str, Any], attributes: Any, pooled: Any, count: Any, exp: Any) -> Any:
    """u [n, q]: attributes [n, q] and pooled history [n, q], which counts for more the more clicks [n] there were."""
    return attributes + (count / (count + exp(w["kappa"])))[:, None] * (w["gain"] * pooled)


def pool(values: Floats, relevance: Floats, history: Ints) -> Floats:
    """Attention pooling: the mean of values [t, q] over history [n, h] (-1: nothing), weighted by relevance [t]; [n, q].

    Summed place by place, so that a row's bits do not depend on the others. An empty history gives 0.
    """
    total, weight = np.zeros((len(history), values.shape[1])), np.zeros(len(history))
    for place in history.T if len(values) else ():
        share = np.where(place >= 0, relevance[place], 0.0)
        total += share[:, None] * values[place]
        weight += share
    return np.divide(total, weight[:, None], out=total, where=weight[:, None] > 0)


def members(w: Mapping[str, Any], x: Floats, table: Floats, history: Ints, dot: Any) -> Floats:
    """u [n, q] in numpy. table [t, q]: features of the articles that history [n, h] points to."""
    values = article_tower(w, table, dot)
    relevance = np.exp(np.clip(dot(values, w["attention"])[:, 0], -CLIP, CLIP))
    count = (history >= 0).sum(axis=1).astype(np.float64)
    return np.asarray(
        add_history(w, attribute_tower(w, x, dot), pool(values, relevance, history), count, np.exp)
    )


def torch_pool(values: Any, relevance: Any, history: Any) -> Any:
    """`pool` in torch, over the clicks there are rather than place by place: most histories are short."""
    owner, place = (history >= 0).nonzero(as_tuple=True)
    index = history[owner, place]
    share = relevance.index_select(0, index)
    weight = share.new_zeros(len(history)).index_add(0, owner, share)
    total = values.new_zeros(len(history), values.shape[1])
    total = total.index_add(0, owner, share[:, None] * values.index_select(0, index))
    return total / (weight + (weight == 0))[:, None]


def listwise(scores: Any, offset: Any, clicks: Any) -> Any:
    """The loss of each newsletter [b], torch: scores, offset (log e, -inf in an empty slot) and clicks are [b, k]."""
    logits = scores + offset
    some = logits.logsumexp(dim=1)
    log_total = some.clamp(min=0) + (-some.abs()).exp().log1p()  # log(1 + sum_l e_l exp(s_l))
    picked = (clicks * logits.where(clicks > 0, 0 * scores)).sum(dim=1)
    return (clicks.sum(dim=1) + 1) * log_total - picked


def loss(w: Mapping[str, Any], table: Any, batch: Mapping[str, Any]) -> Any:
    """Mean loss of b newsletters (torch): x [b, p], clicks [b, k], items [b, k] and history [b, h], rows of table or -1."""
    values = article_tower(w, table, plain)
    relevance = plain(values, w["attention"])[:, 0].clamp(-CLIP, CLIP).exp()
    items, history = batch["items"], batch["history"]
    count = (history >= 0).sum(dim=1).to(values.dtype)
    pooled = torch_pool(values, relevance, history)
    u = add_history(
        w, attribute_tower(w, batch["x"], plain), pooled, count, lambda kappa: kappa.exp()
    )
    shown = values.index_select(0, items.clamp(min=0).flatten()).reshape(*items.shape, -1)
    scores = (shown * (u * w["last"])[:, None, :]).sum(dim=2)
    offset = w["slots"][: items.shape[1]].where(items >= 0, -float("inf"))
    return listwise(scores, offset, batch["clicks"]).mean()


def train(
    adam: Mapping[str, Floats],
    prior: tuple[Floats, Floats],
    shapes: Shapes,
    table: Floats,
    newsletters: Mapping[str, Any],
    batches: Sequence[Ints],
    seen: float,
    rate: float,
    device: str,
) -> dict[str, Floats]:
    """Adam (Kingma & Ba 2015, algorithm 1), one step for each batch of newsletters, towards the posterior mode.

    adam: z [P], the weights in units of their prior (mean + sd z), the running moments of the gradient [P], and the steps
    made [1]; returned anew. The prior counts z^2 / 2 against the losses of all `seen` newsletters. rate: step in prior sds.
    """
    import torch

    with _one_thread():
        to: dict[str, Any] = {"device": device, "dtype": torch.float32}
        z, first, second = (torch.tensor(adam[name], **to) for name in ADAM[:3])
        mean, sd = (torch.tensor(part, **to) for part in prior)
        features = torch.tensor(table, **to)
        x, clicks = (torch.tensor(newsletters[name], **to) for name in ("x", "clicks"))
        items, history = (
            torch.tensor(newsletters[name], device=device).long() for name in ("items", "history")
        )
        data = {"x": x, "clicks": clicks, "items": items, "history": history}
        step = float(adam["steps"][0])
        for rows in batches:
            at = torch.tensor(rows, device=device)
            z.requires_grad_(True)
            value = loss(
                split(mean + sd * z, shapes),
                features,
                {name: part[at] for name, part in data.items()},
            )
            (gradient,) = torch.autograd.grad(value, z)
            z, step = z.detach(), step + 1
            gradient = gradient + z / seen
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            scale = (second / (1 - 0.999**step)).sqrt() + 1e-8
            z = z - rate * (first / (1 - 0.9**step)) / scale
        moved = {"z": z, "first": first, "second": second}
        return {name: part.cpu().numpy() for name, part in moved.items()} | {
            "steps": np.array([step])
        }


def last_layer(features: Floats, scores: Floats, offset: Floats, clicks: Ints | Floats) -> Floats:
    """What newsletters say about the last layer's weights w, as a precision [q, q]: the Hessian of `listwise` (Laplace).

    features [b, k, q]: u * v of each slot, scores [b, k] = features . w, offset and clicks as there.
    """
    rate = np.exp(scores + offset)
    p = rate / (1 + rate.sum(axis=1, keepdims=True))
    picks = clicks.sum(axis=1) + 1
    flat = features.reshape(-1, features.shape[2])
    mean = np.einsum("bk,bkq->bq", p, features)
    return np.asarray(
        (flat * (picks[:, None] * p).reshape(-1, 1)).T @ flat - (mean * picks[:, None]).T @ mean
    )


def pick_device(device: str) -> str:
    """auto: cuda where torch finds one, else cpu. Raises ValueError for cuda where there is none."""
    import torch

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise ValueError("device = 'cuda', but torch finds none here; choose auto or cpu")
    return ("cuda" if there else "cpu") if device == "auto" else device


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order, however many cores there are; torch's own setting is put back."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
