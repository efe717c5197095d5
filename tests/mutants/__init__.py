"""Planted mutations of the policy packs: one figure, row, window or route changed at a time, all to be caught."""
