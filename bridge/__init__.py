"""The core of the Laiting Bridge (来听桥)."""
