"""Accounts, roles, sign-in and tokens: who is asking. Every other app stands on this one."""
