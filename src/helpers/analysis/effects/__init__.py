"""What optimising a service changed: estimators with honest uncertainty, and the contrasts that are no effect.

Everything public is exported here; see ``docs/methods.md`` for the estimands and their proofs.
"""

from helpers.analysis.effects.bundles import Bundle, bundle
from helpers.analysis.effects.callaway_santanna import CallawaySantAnna, CallawaySantAnnaFit
from helpers.analysis.effects.censored import CensoredFit, CensoredLogNormal, ShareInTerm, share_in_term
from helpers.analysis.effects.censored_hazard import CensoredHazard, HazardFit
from helpers.analysis.effects.contrasts import BeforeAfter, ContrastFit
from helpers.analysis.effects.critical_values import cva
from helpers.analysis.effects.fit import Fit
from helpers.analysis.effects.group_time import Aggregate
from helpers.analysis.effects.honest import HonestDiD, honest_did
from helpers.analysis.effects.imputation import Imputation
from helpers.analysis.effects.inference import (
    Coefficients,
    FewClustersWarning,
    Percent,
    WildBootstrap,
    cluster_jackknife,
    cluster_robust,
    wild_cluster_bootstrap,
)
from helpers.analysis.effects.leads import PretrendTest
from helpers.analysis.effects.multiplicity import Adjusted, fdr, holm, romano_wolf
from helpers.analysis.effects.ordered import OrderedEffect, OrderedFit
from helpers.analysis.effects.ordered_logit import OrderedLogit, ProportionalOdds, ordered_logit, proportional_odds_test
from helpers.analysis.effects.panel import NEVER, Drop, EffectsError, Panel
from helpers.analysis.effects.permutation import PermutationTest
from helpers.analysis.effects.poisson import PoissonFit, PoissonImputation
from helpers.analysis.effects.power import mde
from helpers.analysis.effects.regions import RegionEffects, overlap_groups, region_effects
from helpers.analysis.effects.rtm import Decomposition, rtm_decomposition, rtm_expected_change
from helpers.analysis.effects.selection import NextServices, next_services, regret
from helpers.analysis.effects.shrinkage import Shrunk, shrink
from helpers.analysis.effects.twfe import TwoWayFE, TwoWayFit
from helpers.analysis.effects.universal import UniversalStudy

__all__ = [
    "NEVER",
    "Adjusted",
    "Aggregate",
    "BeforeAfter",
    "Bundle",
    "CallawaySantAnna",
    "CallawaySantAnnaFit",
    "CensoredFit",
    "CensoredHazard",
    "CensoredLogNormal",
    "Coefficients",
    "ContrastFit",
    "Decomposition",
    "Drop",
    "EffectsError",
    "FewClustersWarning",
    "Fit",
    "HazardFit",
    "HonestDiD",
    "Imputation",
    "NextServices",
    "OrderedEffect",
    "OrderedFit",
    "OrderedLogit",
    "Panel",
    "Percent",
    "PermutationTest",
    "PoissonFit",
    "PoissonImputation",
    "PretrendTest",
    "ProportionalOdds",
    "RegionEffects",
    "ShareInTerm",
    "Shrunk",
    "TwoWayFE",
    "TwoWayFit",
    "UniversalStudy",
    "WildBootstrap",
    "bundle",
    "cluster_jackknife",
    "cluster_robust",
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
    "rtm_decomposition",
    "rtm_expected_change",
    "share_in_term",
    "shrink",
    "wild_cluster_bootstrap",
]
