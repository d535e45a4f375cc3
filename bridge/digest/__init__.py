"""The monthly analysis (月度分析研判): what citizens kept saying, counted from events, and naming nobody.

`reading` takes cases out of the ledger as they stood at the cut-off; `compose` finds what the month teaches; `publish`
makes the document that may leave the house; `seal` puts its digest into the journal.
"""
