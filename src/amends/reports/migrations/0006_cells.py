from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reports', '0005_waiting'),
    ]

    operations = [
        migrations.CreateModel(
            name='CellRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.SmallIntegerField()),
                ('x', models.IntegerField()),
                ('y', models.IntegerField()),
                ('category', models.CharField(max_length=100)),
                ('open', models.BooleanField()),
                ('count', models.IntegerField()),
                ('lat_sum', models.FloatField()),
                ('long_sum', models.FloatField()),
                ('number', models.BigIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('level', 'x', 'y', 'category', 'open'), name='cell_once')],
            },
        ),
    ]
