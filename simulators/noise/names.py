"""Names of networks and e-mail domains, made from numbers."""

import numpy as np
from numpy.typing import NDArray


def name_clouds(gateway: NDArray[np.integer], numbers: NDArray[np.integer]) -> NDArray[np.object_]:
    """Names of the clouds that gateways of each kind work from, of the shape of `numbers`."""
    pairs = zip(gateway.ravel(), numbers.ravel(), strict=True)
    flat = [f"cloud-{kind}-{number}" for kind, number in pairs]
    return np.array(flat, dtype=object).reshape(numbers.shape)


def name_each(prefix: str, numbers: NDArray[np.integer]) -> NDArray[np.object_]:
    """Names like `prefix`-3, of the shape of `numbers`."""
    flat = [f"{prefix}-{number}" for number in numbers.ravel()]
    return np.array(flat, dtype=object).reshape(numbers.shape)
