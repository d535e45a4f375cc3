"""`make bench`: how fast the bridge is on this machine, and what each stage costs. Ratios in one run, no assertion."""
