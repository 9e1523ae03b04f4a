"""The rules, pure: what decides about a signal, incident, order or unit, and who may see what."""
