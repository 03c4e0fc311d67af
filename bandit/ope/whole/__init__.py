"""Whole newsletters off-policy: estimators that assume how clicks come about, and tests of that.

Axes: n sends, k slots. An estimator returns one term for each send; the mean is the estimate.
"""
