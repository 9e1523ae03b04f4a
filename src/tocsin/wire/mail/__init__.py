"""Alarms by e-mail, for devices that can do nothing else: a message's bytes to its subject and
text, and by rules to a signal. Pure; the SMTP listener is tocsin.edge.mail."""
