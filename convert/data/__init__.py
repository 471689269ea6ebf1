"""Data folders (images/, masks/, labels.csv), and their frames as the networks see them."""
