"""A seeded synthetic city that speaks to the real sockets."""
