"""The process of a command: how it ends."""
