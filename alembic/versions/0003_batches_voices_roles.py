"""Tasks that are finished after a restart, batches of them, voices with consent, and roles."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("task") as task:
        task.add_column(sa.Column("asker", sa.String(length=255), nullable=False, server_default=""))
        task.add_column(sa.Column("background", sa.Boolean(), nullable=False, server_default=sa.false()))
        task.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        task.add_column(sa.Column("batch", sa.String(length=64), nullable=True))
        task.add_column(sa.Column("line", sa.Integer(), nullable=True))
        task.create_index("ix_task_batch_line", ["batch", "line"])
    op.create_table(
        "batch",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asker", sa.String(length=255), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=255), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asker", sa.String(length=255), nullable=False),
        sa.Column("recording_sha256", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "voice",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asker", sa.String(length=255), nullable=False),
        sa.Column("consent_id", sa.String(length=64), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("sample_rate", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_voice_consent_id", "voice", ["consent_id"])
    op.create_table(
        "role",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("voice", sa.String(length=255), nullable=True),
        sa.Column("emotion", sa.JSON(), nullable=False),
        sa.Column("speed", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    for table in ("role", "voice", "consent", "batch"):
        op.drop_table(table)
    with op.batch_alter_table("task") as task:
        task.drop_index("ix_task_batch_line")
        for column in ("line", "batch", "attempts", "background", "asker"):
            task.drop_column(column)
