"""A name that somebody gave to a task."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("task", sa.Column("name", sa.String(length=255), nullable=True))


def downgrade() -> None:
    op.drop_column("task", "name")
