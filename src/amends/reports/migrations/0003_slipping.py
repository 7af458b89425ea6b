from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0002_where'),
    ]

    operations = [
        migrations.CreateModel(
            name='CrewLinkRow',
            fields=[
                ('crew', models.CharField(max_length=100, primary_key=True, serialize=False)),
                ('generation', models.IntegerField(default=1)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('who', models.CharField(max_length=150)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='RedactionRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('photo', models.CharField(max_length=40)),
                ('became', models.CharField(max_length=40)),
                ('report', models.BigIntegerField(db_index=True, null=True)),
                ('boxes', models.JSONField(default=list)),
                ('why', models.CharField(max_length=400)),
                ('who', models.CharField(max_length=150)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='reportrow',
            name='hidden_why',
            field=models.CharField(max_length=400, null=True),
        ),
        migrations.AddField(
            model_name='reportrow',
            name='new_due_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='reportrow',
            name='paused_at',
            field=models.DateTimeField(null=True),
        ),
    ]
