"""The neural policy's network: two towers and a history. Its arithmetic and its training.

Open this file to see what the network computes and which loss it is trained on. The forward pass
runs in numpy when an issue is planned and in torch when the network learns.

Article j: v_j = a_j + A2 relu(A1 a_j). Member i: u_i = B x_i + C2 relu(C1 x_i) +
n_i / (n_i + kappa) g * h_i, where h_i is the mean of the v of the n_i articles that the member
clicked last, weighted by attention exp(t . v) (Yang et al. 2016, eq. 5-7). Score:
s_ij = sum_d w_d u_id v_jd. The towers are residual (He et al. 2016) and their outer layers start at
zero, B at one constant: the network begins as a newsletter that prefers nothing, and is bilinear in
attributes and text until data says more.

Training: a listwise softmax in which stopping is one more choice. A member who opened picks
articles one after another, the one in slot j with probability
e_j exp(s_j) / (1 + sum_l e_l exp(s_l)), until they stop (the 1). It is a multinomial logit with an
outside option (Train 2009, ch. 3), repeated. e_j is P(slot j is looked at), which is learned along
and is 1 for the first slot. Then e_j exp(s_j) is the expected number of clicks: scores are log
click rates, and an issue without a click, which says little about order, still says how readily a
member clicks.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from bandit.core.threads import use_one_thread
from bandit.core.types import Array, Floats, Ints

CLIP = 3.0  # attention weights stay within exp(+-3): no article is ever all or nothing
ADAM = ("z", "first", "second", "steps")

Tensor = Any  # numpy's array or torch's tensor: torch is imported only inside functions
Tensors = Mapping[str, Tensor]
Product = Callable[[Tensor, Tensor], Tensor]  # a b' of [n, d] and [m, d]
Shapes = Mapping[str, tuple[int, ...]]


def list_shapes(p: int, q: int, dim: int, slots: int) -> dict[str, tuple[int, ...]]:
    """The shape of each weight: p member features, q article features, dim hidden units."""
    towers = {"B": (q, p), "C1": (dim, p), "C2": (q, dim), "A1": (dim, q), "A2": (q, dim)}
    history = {"attention": (1, q), "gain": (q,), "kappa": (1,)}
    return towers | history | {"last": (q,), "slots": (slots,)}


def split(flat: Tensor, shapes: Shapes) -> dict[str, Tensor]:
    """One vector of weights (numpy or torch) as named views of the given shapes."""
    parts, at = {}, 0
    for name, shape in shapes.items():
        size = prod(shape)
        parts[name] = flat[at : at + size].reshape(shape)
        at += size
    return parts


def multiply(a: Tensor, b: Tensor) -> Tensor:
    """a b', numpy or torch. Planning uses `exact.dot` in its place."""
    return a @ b.T


def article_tower(w: Tensors, articles: Tensor, dot: Product) -> Tensor:
    """v [m, q] of articles [m, q]."""
    hidden = dot(articles, w["A1"])
    return articles + dot(hidden * (hidden > 0), w["A2"])


def attribute_tower(w: Tensors, x: Tensor, dot: Product) -> Tensor:
    """What attributes x [n, p] say of a member, [n, q]."""
    hidden = dot(x, w["C1"])
    return dot(x, w["B"]) + dot(hidden * (hidden > 0), w["C2"])


def add_history(
    w: Tensors, attributes: Tensor, pooled: Tensor, count: Tensor, exp: Callable[[Tensor], Tensor]
) -> Tensor:
    """u [n, q]: what attributes say [n, q], moved by the pooled history [n, q].

    The history counts for more the more clicks, count [n], it has.
    """
    return attributes + (count / (count + exp(w["kappa"])))[:, None] * (w["gain"] * pooled)


def pool(values: Floats, relevance: Floats, history: Ints) -> Floats:
    """Attention pooling [n, q]: a mean of values [t, q] over history [n, h], by relevance [t].

    The history holds rows of values, and -1 where there is nothing. Its places are added one after
    the other, so a member's sum has the same bits whichever other members are in the array. An
    empty history gives 0.
    """
    total, weight = np.zeros((len(history), values.shape[1])), np.zeros(len(history))
    for place in history.T if len(values) else ():
        share = np.where(place >= 0, relevance[place], 0.0)
        total += share[:, None] * values[place]
        weight += share
    return np.divide(total, weight[:, None], out=total, where=weight[:, None] > 0)


def embed_members(w: Tensors, x: Floats, table: Floats, history: Ints, dot: Product) -> Floats:
    """u [n, q] in numpy. table [t, q]: features of the articles that history [n, h] points to."""
    values = article_tower(w, table, dot)
    relevance = np.exp(np.clip(dot(values, w["attention"])[:, 0], -CLIP, CLIP))
    count = (history >= 0).sum(axis=1).astype(np.float64)
    pooled = pool(values, relevance, history)
    return np.asarray(add_history(w, attribute_tower(w, x, dot), pooled, count, np.exp))


def pool_in_torch(values: Tensor, relevance: Tensor, history: Tensor) -> Tensor:
    """`pool` in torch, over the clicks there are rather than place by place.

    Most histories are short, so this is less work.
    """
    owner, place = (history >= 0).nonzero(as_tuple=True)
    index = history[owner, place]
    share = relevance.index_select(0, index)
    weight = share.new_zeros(len(history)).index_add(0, owner, share)
    total = values.new_zeros(len(history), values.shape[1])
    total = total.index_add(0, owner, share[:, None] * values.index_select(0, index))
    return total / (weight + (weight == 0))[:, None]


def listwise_loss(scores: Tensor, offset: Tensor, clicks: Tensor) -> Tensor:
    """The loss of each newsletter [b], in torch.

    scores, offset (log e, -inf in an empty slot) and clicks are [b, k].
    """
    logits = scores + offset
    some = logits.logsumexp(dim=1)
    log_total = some.clamp(min=0) + (-some.abs()).exp().log1p()  # log(1 + sum_l e_l exp(s_l))
    picked = (clicks * logits.where(clicks > 0, 0 * scores)).sum(dim=1)
    return (clicks.sum(dim=1) + 1) * log_total - picked


def mean_loss(w: Tensors, table: Tensor, batch: Tensors) -> Tensor:
    """The mean loss of b newsletters, in torch.

    batch: x [b, p], clicks [b, k], items [b, k] and history [b, h]. Items and history are rows of
    table [t, q], or -1.
    """
    values = article_tower(w, table, multiply)
    relevance = multiply(values, w["attention"])[:, 0].clamp(-CLIP, CLIP).exp()
    items, history = batch["items"], batch["history"]
    count = (history >= 0).sum(dim=1).to(values.dtype)
    pooled = pool_in_torch(values, relevance, history)
    attributes = attribute_tower(w, batch["x"], multiply)
    u = add_history(w, attributes, pooled, count, lambda kappa: kappa.exp())
    shown = values.index_select(0, items.clamp(min=0).flatten()).reshape(*items.shape, -1)
    scores = (shown * (u * w["last"])[:, None, :]).sum(dim=2)
    offset = w["slots"][: items.shape[1]].where(items >= 0, -float("inf"))
    return listwise_loss(scores, offset, batch["clicks"]).mean()


def train(
    adam: Mapping[str, Floats],
    prior: tuple[Floats, Floats],
    shapes: Shapes,
    table: Floats,
    newsletters: Mapping[str, Array],
    batches: Sequence[Ints],
    seen: float,
    rate: float,
    device: str,
) -> dict[str, Floats]:
    """Adam (Kingma & Ba 2015, algorithm 1) towards the posterior mode; returns `adam` anew.

    Written by hand, because torch's own Adam may round differently, and bundles would change.

    adam: z [P], the weights in units of their prior (mean + sd z), the running moments of the
        gradient [P], and the steps made [1]
    prior: mean and sd of the weights, each [P]; it counts z^2 / 2 against the losses of all `seen`
        newsletters
    table: [t, q], the articles' features
    newsletters: x, clicks, items and history, as `mean_loss` has them
    batches: rows of the newsletters, one step for each batch
    rate: length of a step, in prior sds
    device: torch's name of it
    """
    import torch

    with use_one_thread():
        to: dict[str, Any] = {"device": device, "dtype": torch.float32}
        z, first, second = (torch.tensor(adam[name], **to) for name in ADAM[:3])
        mean, sd = (torch.tensor(part, **to) for part in prior)
        features = torch.tensor(table, **to)
        data = {name: torch.tensor(newsletters[name], **to) for name in ("x", "clicks")}
        for name in ("items", "history"):
            data[name] = torch.tensor(newsletters[name], device=device).long()
        step = float(adam["steps"][0])
        for rows in batches:
            at = torch.tensor(rows, device=device)
            z.requires_grad_(True)
            w = split(mean + sd * z, shapes)
            batch = {name: part.index_select(0, at) for name, part in data.items()}
            value = mean_loss(w, features, batch)
            (gradient,) = torch.autograd.grad(value, z)
            z, step = z.detach(), step + 1
            gradient = gradient + z / seen
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            scale = (second / (1 - 0.999**step)).sqrt() + 1e-8
            z = z - rate * (first / (1 - 0.9**step)) / scale
        moved = {"z": z, "first": first, "second": second}
    arrays = {name: part.cpu().numpy() for name, part in moved.items()}
    return arrays | {"steps": np.array([step])}


def last_layer_precision(
    features: Floats, scores: Floats, offset: Floats, clicks: Ints | Floats
) -> Floats:
    """What newsletters say about the last layer's weights w, as a precision [q, q].

    It is the Hessian of `listwise_loss` (Laplace's approximation). features [b, k, q]: u * v of
    each slot; scores [b, k] = features . w; offset and clicks as there.
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
    """The device that torch will use: for "auto" cuda where torch finds one, else cpu.

    Raises ValueError for "cuda" where there is none.
    """
    import torch

    there = torch.cuda.is_available()
    if device == "cuda" and not there:
        raise ValueError("device = 'cuda', but torch finds none here; choose auto or cpu")
    return ("cuda" if there else "cpu") if device == "auto" else device
