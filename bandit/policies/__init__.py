"""One file per policy; each satisfies the `Policy` protocol in `bandit.core.types`."""
