"""The sockets: devices in, answers out; the stream to screens."""
