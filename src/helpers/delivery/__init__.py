"""Reports to recipients, once."""
