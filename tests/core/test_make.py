"""Making an object from a configuration: nested ones first, and mistakes are named."""

from dataclasses import dataclass

import pytest

from bandit.core.make import make


@dataclass(frozen=True)
class Newsletter:
    slots: int
    first: object = None


def find(target: str) -> type[Newsletter]:
    if target != "newsletter":
        raise ValueError(f"{target} is not to be had")
    return Newsletter


def test_what_is_nested_is_made_first_and_by_the_same_names() -> None:
    inner = {"_target_": "newsletter", "slots": 2}
    made = make({"_target_": "newsletter", "first": inner}, find, slots=3)
    assert made == Newsletter(3, Newsletter(2))
    assert make({"_target_": "newsletter", "slots": 1, "first": {"a": 1}}, find).first == {"a": 1}
    with pytest.raises(ValueError, match="other is not to be had"):
        make({"_target_": "newsletter", "slots": 1, "first": {"_target_": "other"}}, find)


def test_a_config_that_names_no_class_or_an_unknown_option_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"a config must say its _target_; this one has \['slots'\]"
    ):
        make({"slots": 1}, find)
    with pytest.raises(ValueError, match=r"newsletter: .* unexpected keyword argument 'size'"):
        make({"_target_": "newsletter", "size": 1}, find)
