"""What each estimator of whole newsletters assumes of clicks, in words for people."""

ASSUMES = {
    "item_position": "a click depends on its own slot and article, and on no other slot",
    "position_based": "a click is a look at the slot, which depends on the slot alone, "
    "times how well the article appeals",
}
