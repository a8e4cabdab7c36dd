"""Files stored on disk between processes: burned-in worlds and records of baselines."""
