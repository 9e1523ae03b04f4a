"""HTTP/JSON webhooks: who signed a request, what its JSON says, and which events it maps to."""
