"""Every text of the core that a person sees, in Chinese and English, one file for each kind.

`lists` (closed lists), `refusals`, `advice`, `timeline`; codes have theirs in their tables.
"""
