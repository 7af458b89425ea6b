

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0003_slipping'),
    ]

    operations = [
        migrations.AddField(
            model_name='followrow',
            name='asked_from',
            field=models.CharField(db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='followrow',
            name='place',
            field=models.CharField(db_default='', default='', max_length=200),
        ),
        migrations.AddIndex(
            model_name='followrow',
            index=models.Index(condition=models.Q(('asked_from', ''), _negated=True), fields=['asked_from'], name='follow_by_network'),
        ),
    ]
