"""The witness (见证): the hash tree over the journal, its signed checkpoints, and the audit log that ops read."""
