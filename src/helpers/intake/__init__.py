"""Files as published become tidy tables and lists of what was refused."""
