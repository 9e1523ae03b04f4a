"""The protocols, pure: bytes to frames to signals. One folder each."""
