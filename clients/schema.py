"""The tables of the store of replies, and how a file of an older version becomes one of this version."""

from __future__ import annotations

import sqlite3

SCHEMA_VERSION = 3
_BATCHES = """CREATE TABLE batches (
    id, state, provider_id, file_id, model, address, created, reason, owner, machine, pid, deadline, PRIMARY KEY (id)
) WITHOUT ROWID"""
_BATCH_REQUESTS = """CREATE TABLE batch_requests (
    key, batch, state, protocol, messages, kind, reason, PRIMARY KEY (key, batch)
) WITHOUT ROWID"""
_REPLIES = """CREATE TABLE replies (
    key, protocol, asked_model, model, messages, content, finish_reason, refusal, prompt_tokens, completion_tokens,
    seconds, created, PRIMARY KEY (key)
) WITHOUT ROWID"""
#: What makes each version out of the one before; what once stood in a release is never changed.
_MIGRATIONS = {
    1: [_REPLIES],
    2: ["CREATE TABLE claims (key, owner, machine, pid, deadline, PRIMARY KEY (key)) WITHOUT ROWID"],
    3: [
        "ALTER TABLE replies ADD COLUMN batch NOT NULL DEFAULT 0",
        _BATCHES,
        _BATCH_REQUESTS,
        "CREATE INDEX requests_by_batch ON batch_requests (batch, state)",
    ],
}


def migrate(connection: sqlite3.Connection) -> int:
    """Bring a file to this version, inside a transaction; returns the version that it had."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for step in range(version + 1, SCHEMA_VERSION + 1):
        for statement in _MIGRATIONS[step]:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {step}")
    return int(version)
