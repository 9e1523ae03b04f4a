"""The dispatch simulator: a city given as tables, its calls, a policy, and what each call got. The
meaning of every event is that of JEMSS 1.3.6, call by call; see docs/decisions/0042."""
