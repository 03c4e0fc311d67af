"""A send in shards: parts of the member list that are chosen and written down one by one."""
