"""What optimising a service changed: estimators with honest uncertainty, and the contrasts that are no effect.

Everything public is exported here; see ``docs/methods.md`` for the estimands and their proofs.
"""

from helpers.analysis.effects.panel import NEVER, Drop, EffectsError, Panel

__all__ = ["NEVER", "Drop", "EffectsError", "Panel"]
