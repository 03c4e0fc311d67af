"""The array types that all signatures use."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
Bools = NDArray[np.bool_]
Ids = NDArray[Any]  # text, whole numbers, or both
Array = NDArray[Any]  # of any type that a file of arrays can hold
