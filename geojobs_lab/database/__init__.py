"""SQLite for an asyncio program: one thread, group commit, and a file that is looked after.

Rooms that keep tables bring their schema (`Database.add_schema`) and their own SQL; what the rows mean is theirs.
"""

from geojobs_lab.database.thread import Database

__all__ = ["Database"]
