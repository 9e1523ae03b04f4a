"""Incidents: the facts in `facts`, what they add up to in `state`, the rules in `decide`."""
