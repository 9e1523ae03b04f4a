"""Advanced Mobile Location (ETSI TS 103 625): where a caller is, without who the caller is."""
