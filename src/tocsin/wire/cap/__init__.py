"""CAP 1.2 (OASIS Common Alerting Protocol): warnings of other services, and public warnings."""
