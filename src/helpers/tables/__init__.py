"""Tables between the wings: schemas (contract) and store (the only door to processed and reference data)."""
