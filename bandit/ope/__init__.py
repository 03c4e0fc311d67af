"""Off-policy evaluation: what another policy would have earned, from a log with exact propensities.

Axes: n sends, k slots. Every estimator returns one term for each send; the mean of the terms is
the estimate. Beside them stand intervals that hold at every look (`sequences`), and what compares
the arms of an experiment (`arms`, `counts`).
"""
