"""What codes mean: Contact ID (SIA DC-05), SIA two-letter codes (SIA DC-03), CAP categories, and
what a site or an agency says otherwise. `tocsin.core.code_tables` looks a signal up."""
