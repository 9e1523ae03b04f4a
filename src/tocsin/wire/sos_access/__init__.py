"""SOS Access v4, the XML protocol of Nordic alarm transmitters: bytes to requests to signals, and
what each request is answered. Pure; the sockets are in tocsin.edge.sos_access."""
