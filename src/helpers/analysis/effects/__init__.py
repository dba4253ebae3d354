"""What optimising a service changed: estimators with honest uncertainty, and the contrasts that are no effect.

Everything public is exported here; see ``docs/methods.md`` for the estimands and their proofs.
"""

from helpers.analysis.effects.bundles import Bundle, bundle
from helpers.analysis.effects.callaway_santanna import CallawaySantAnna, CallawaySantAnnaFit
from helpers.analysis.effects.censored import CensoredFit, CensoredLogNormal, ShareInTerm, share_in_term
from helpers.analysis.effects.group_time import Aggregate
from helpers.analysis.effects.honest import HonestDiD, honest_did
from helpers.analysis.effects.multiplicity import Adjusted, fdr, holm, romano_wolf
from helpers.analysis.effects.ordered import OrderedEffect, OrderedFit
from helpers.analysis.effects.ordered_logit import (
    OrderedLogit,
    ProportionalOdds,
    ordered_logit,
    proportional_odds_test,
)
from helpers.analysis.effects.panel import NEVER, Drop, EffectsError, Panel
from helpers.analysis.effects.power import mde
from helpers.analysis.effects.regions import RegionEffects, overlap_groups, region_effects
from helpers.analysis.effects.selection import NextServices, next_services, regret
from helpers.analysis.effects.shrinkage import Shrunk, cva, shrink

__all__ = [
    "NEVER",
    "Adjusted",
    "Aggregate",
    "Bundle",
    "CallawaySantAnna",
    "CallawaySantAnnaFit",
    "CensoredFit",
    "CensoredLogNormal",
    "Drop",
    "EffectsError",
    "HonestDiD",
    "NextServices",
    "OrderedEffect",
    "OrderedFit",
    "OrderedLogit",
    "Panel",
    "ProportionalOdds",
    "RegionEffects",
    "ShareInTerm",
    "Shrunk",
    "bundle",
    "cva",
    "fdr",
    "holm",
    "honest_did",
    "mde",
    "next_services",
    "ordered_logit",
    "overlap_groups",
    "proportional_odds_test",
    "region_effects",
    "regret",
    "romano_wolf",
    "share_in_term",
    "shrink",
]
