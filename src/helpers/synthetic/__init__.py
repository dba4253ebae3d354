"""Seeded demonstration data, always marked as such."""
