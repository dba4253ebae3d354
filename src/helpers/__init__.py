"""Rooms of the project: intake, analysis, presentation; tables between them; batch, delivery and the command above them."""
