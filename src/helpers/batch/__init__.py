"""The order of steps: many reports, executed, checked and recorded."""
