"""From what the order says and what the directories answered to addresses, by channel scheme.

`questions` says what to ask, `resolve` applies the rules to the answers, `report` tells the caller about it.
"""
