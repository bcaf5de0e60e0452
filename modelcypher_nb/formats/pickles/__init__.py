"""Pickles, described and never executed: one machine, what it builds, and the names it knows."""
