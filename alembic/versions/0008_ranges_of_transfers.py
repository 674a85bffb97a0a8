"""Which ranges of a file each mirror gave."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("transfer", sa.Column("ranges", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("transfer", "ranges")
