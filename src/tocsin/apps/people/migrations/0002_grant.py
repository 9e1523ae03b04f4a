"""The view that answers, for the API and the stream alike: whose session or token is this?"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations

GRANT = """
CREATE VIEW public.people_grant AS
SELECT 'session' AS kind, s.session_key AS credential, 'account:' || a.id AS actor,
       a.display_name AS name, a.username, a.role, a.agency, a.districts, a.unit, a.language,
       EXISTS (SELECT FROM public.mfa_authenticator m
               WHERE m.user_id = a.id AND m.type IN ('totp', 'webauthn')) AS second_factor
  FROM public.people_session s
  JOIN public.people_account a ON a.id = s.account_id
 WHERE a.is_active AND s.expire_date > now()
UNION ALL
SELECT 'token', t.digest, 'token:' || t.id, t.name, '', t.role, t.agency, t.districts, t.unit,
       'en', true
  FROM public.people_token t
 WHERE t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > now())
"""


class Migration(migrations.Migration):
    dependencies: ClassVar = [("people", "0001_initial"), ("mfa", "0003_authenticator_type_uniq")]
    operations: ClassVar = [migrations.RunSQL(GRANT, "DROP VIEW public.people_grant")]
