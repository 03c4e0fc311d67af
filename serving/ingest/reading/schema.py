"""The columns that the rows of all providers are brought to, and those of rows that are of no use.

Open this file for what is known of a record; docs/after_the_send.md says what each provider calls
it.
"""

import pyarrow as pa

WORDS = (
    *("kind", "event", "message", "mail", "member", "campaign", "send", "address", "token"),
    *("link", "agent", "verdict", "method", "network", "provider"),
)
NUMBERS = ("time", "arrived", "sent", "slot")
SCHEMA = pa.schema([(name, pa.string()) for name in WORDS] + [(n, pa.float64()) for n in NUMBERS])
ASIDE = pa.schema([("why", pa.string()), ("row", pa.string())])
