"""Reconciliation (对账): what we say a system has, held against what the system says it has, a day at a time."""
