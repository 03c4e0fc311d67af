"""Off-policy estimators of one choice a send: few articles or hundreds, one logger or several.

Axes: n sends, m articles. An estimate is made of two parts: weights (`weighing`, `topics`,
`loggers`), and what they weigh: rewards (`importance`) or what a model of rewards misses
(`doubly_robust`). Every estimator returns one term for each send; the mean is the estimate.
docs/estimators.md says which to use when.
"""
