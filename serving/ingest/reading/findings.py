"""What pydantic finds wrong with a mapping, in the words of `bandit.core.told`."""

from pydantic import ValidationError

from bandit.core.check import shorten
from bandit.core.told import Finding, join


def describe(error: ValidationError) -> str:
    """What was found, such as `colour = 'red': there is no such setting`, by semicolons."""
    found = []
    for one in error.errors(include_url=False):
        path = [str(part) for part in one["loc"]]
        if path and path[-1] in ("str", "int", "[key]"):  # a union's branch, or the mark of a key
            path.pop()
        if one["type"] == "extra_forbidden":
            wrong = "there is no such setting"
        elif one["type"] == "missing":
            wrong = "it is missing"
        else:
            wrong = one["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
        # of what is missing, pydantic's input is all that stands around it
        value = "" if one["type"] == "missing" else f" = {shorten(one['input'])}"
        found.append(Finding(".".join(path), value, wrong))
    return join(found)
