"""What each estimator of whole newsletters assumes of clicks, in words for people.

The order is from the fewest assumptions to the most: each assumes all that those before it do.
"""

ASSUMES = {
    "snips": "the log could have shown the same newsletters, and nothing about clicks",
    "cascade_sn": "a click depends on its own slot and those above it, and on none below",
    "cascade_dr": "a click depends on its own slot and those above it, and on none below, "
    "and who opens does not depend on the articles",
    "item_position": "a click depends on its own slot and article, and on no other slot",
    "item_position_dr": "a click depends on its own slot and article, and on no other slot, "
    "and who opens does not depend on the articles",
    "position_based": "a click is a look at the slot, which depends on the slot alone, "
    "times how well the article appeals",
    "position_based_dr": "a click is a look at the slot, which depends on the slot alone, "
    "times how well the article appeals, and who opens does not depend on the articles",
}
FROM_TOP = ("snips", "cascade_sn", "cascade_dr")  # those that need chances given the slots above
APART = ("item_position", "position_based")  # those that need chances whatever stands above
MODELLED = {  # those that a model of clicks makes surer, and what they are without
    "cascade_dr": "cascade_sn",
    "item_position_dr": "item_position",
    "position_based_dr": "position_based",
}
