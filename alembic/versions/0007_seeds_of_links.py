"""What a link's key is made from, instead of the key. Links from before end."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column("link", "key", new_column_name="seed")


def downgrade() -> None:
    op.alter_column("link", "seed", new_column_name="key")
