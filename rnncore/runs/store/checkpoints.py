"""Checkpoints: the newest state of each run, from which it can be continued."""

from rnncore.codec import DamagedBlob, open_content, seal
from rnncore.runs.store.database import Connection, Database


class CheckpointTable(Database):
    """Reading checkpoints."""

    def load_checkpoint(self, run_id: str) -> tuple[int, bytes] | None:
        """Return the newest checkpoint: step and content; None where there is none or it is damaged."""
        with self.read() as db:
            row = db.execute(
                "SELECT c.step, c.content FROM checkpoints c JOIN runs r ON c.run = r.key WHERE r.id = ?", (run_id,)
            ).fetchone()
        try:
            return (row[0], open_content(row[1])) if row else None
        except DamagedBlob:
            return None  # the run can begin anew: steps that are recorded already are not recorded twice


def write_checkpoint(db: Connection, key: int, step: int, content: bytes) -> None:
    """Store the state of run `key` after a step in place of the one before."""
    db.execute(
        "INSERT INTO checkpoints (run, step, content) VALUES (?, ?, ?)"
        " ON CONFLICT (run) DO UPDATE SET step = excluded.step, content = excluded.content",
        (key, step, seal(content)),
    )
    db.execute("UPDATE runs SET checkpoint_step = ? WHERE key = ?", (step, key))
