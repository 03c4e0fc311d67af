"""What a policy learned from a log maximises: off-policy estimates with their gradients.

Open this file for the formulas. They are those of `bandit.ope.estimators`, as functions of the
policy's scores. Axes: e exposures (a filled slot, given the slots above it), m articles. Everything
is a torch tensor; the gradient is autograd's, which for pi / p is the importance-weighted policy
gradient, grad pi = pi grad log pi (Williams 1992; for slates slot by slot Oosterhuis 2021, PL-Rank,
eq. 5). Every estimate is a vector of terms [e], whose mean it is.

`count` [e] is how many exposures of the full log one of these stands for (1 / the chance that it
was kept): 1 everywhere where nothing was thinned.
"""

from typing import Any

Tensor = Any  # torch's tensor: torch is imported only inside functions


def log_policy(scores: Tensor, open: Tensor) -> Tensor:
    """log P(a slot shows each article) [e, m] under Plackett-Luce: the softmax of what is open.

    scores [e, m] are log-weights, open [e, m]; the result is -inf where an article is not open
    (Plackett 1975).
    """
    logits: Tensor = scores.masked_fill(~open, -float("inf")).log_softmax(dim=1)
    return logits


def weights(policy: Tensor, logged: Tensor, most: float = float("inf")) -> Tensor:
    """min(pi / p, most) [e] (Ionides 2008; Swaminathan & Joachims 2015, POEM, eq. 5).

    policy, logged [e]: this and the logging policy's probability of the article shown, given the
    slots above. Where a weight is clipped, its gradient is 0.
    """
    return (policy / logged).clamp(max=most)


def mean(terms: Tensor, count: Tensor) -> Tensor:
    """The full log's mean of terms [e], each standing for `count` exposures."""
    return (count * terms).sum() / count.sum()


def ips(w: Tensor, reward: Tensor) -> Tensor:
    """w r [e] (Horvitz & Thompson 1952)."""
    return w * reward


def snips(w: Tensor, reward: Tensor, count: Tensor) -> Tensor:
    """v + w (r - v) / mean(w) [e], v = sum w r / sum w: the self-normalised estimate.

    A constant added to every reward is added to the estimate and to nothing else (Swaminathan &
    Joachims 2015, "The self-normalized estimator for counterfactual learning", eq. 9).
    """
    total = mean(w, count)
    value = mean(w * reward, count) / total
    return value + w * (reward - value) / total


def doubly_robust(w: Tensor, reward: Tensor, guess: Tensor, direct: Tensor) -> Tensor:
    """direct + w (r - guess) [e] (Dudik, Langford & Li 2011, eq. 3).

    guess [e]: a model's expected reward of what was shown; direct [e]: of what the policy would
    show, sum_a pi(a) guess(a). With clipped w it is biased towards the model.
    """
    return direct + w * (reward - guess)


def penalise(terms: Tensor, count: Tensor, penalty: float) -> Tensor:
    """mean - penalty sqrt(variance / n): counterfactual risk minimisation (POEM, eq. 6).

    n is the sum of `count`.
    """
    value = mean(terms, count)
    if penalty == 0:
        return value
    variance = mean((terms - value) ** 2, count)
    root = (variance / count.sum() + 1e-18).sqrt()  # the root has a slope at 0, too
    return value - penalty * root
