"""MQTT 3.1.1 and 5.0: the packets, the server's side of a connection, and what messages say."""
