# ruff: noqa: RUF012
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("people", "0003_notice"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attempt",
            name="ends_at",
            field=models.DateTimeField(db_index=True),
        ),
    ]
