from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0004_following'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='reportrow',
            index=models.Index(condition=models.Q(('state', 'pending')), fields=['number'], name='report_by_pending'),
        ),
        migrations.AddIndex(
            model_name='reportrow',
            index=models.Index(condition=models.Q(('open', True), ('paused_at__isnull', False)), fields=['paused_at'], name='report_by_paused'),
        ),
    ]
