"""The city's rules, pure: tables in `bridge/tables/*.toml`, a noun a file, facts in and verdicts out."""
