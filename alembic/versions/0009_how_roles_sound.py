"""Pitch and volume of roles."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("pitch", "volume"):
        op.add_column("role", sa.Column(name, sa.Float(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("role") as role:
        for name in ("volume", "pitch"):
            role.drop_column(name)
