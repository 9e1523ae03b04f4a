"""The public pages: report what is happening, and follow it. No account, no cookie, no script."""
