"""Checkpoints: the newest state of each run, from which it can be continued."""

from rnncore.runs.store.database import Connection, Database


class CheckpointTable(Database):
    """Reading checkpoints."""

    def load_checkpoint(self, run_id: str) -> tuple[int, bytes] | None:
        """Return the newest checkpoint: step and content."""
        with self.read() as db:
            row = db.execute(
                "SELECT c.step, c.content FROM checkpoints c JOIN runs r ON c.run = r.key WHERE r.id = ?", (run_id,)
            ).fetchone()
        return (row[0], row[1]) if row else None


def write_checkpoint(db: Connection, key: int, step: int, content: bytes) -> None:
    """Store the state of run `key` after a step in place of the one before."""
    db.execute(
        "INSERT INTO checkpoints (run, step, content) VALUES (?, ?, ?)"
        " ON CONFLICT (run) DO UPDATE SET step = excluded.step, content = excluded.content",
        (key, step, content),
    )
    db.execute("UPDATE runs SET checkpoint_step = ? WHERE key = ?", (step, key))
