"""Data folders -> M.keras and M.train.json, split by subject."""
