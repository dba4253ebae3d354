"""Rooms of the project: three wings, tables between them; batch, delivery and the command above them."""
