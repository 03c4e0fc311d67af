"""Which estimate to believe, when several are at hand: nobody needs the list.

`blend` is what to use; the other files are the published rules, to compare with. docs/estimators.md
says more.
"""
