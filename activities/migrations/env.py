"""Run by Alembic: upgrades over the connection that `activities.migrations.migrate` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
