"""Level or stage of a score from bounds that carry a source; without official bounds they are a required parameter.

Grain in: one score with its interval per row, and one level per row of the scale. Grain out: one score per row.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd


class BoundsError(ValueError):
    """The scale has no bounds for a level: official ones are not public, so the caller must give assumed ones."""


def scale_bounds(levels: pd.DataFrame, scale: str, assumed: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Lower bounds of a scale, lowest level first.

    Parameters
    ----------
    levels
        Reference table ``mfc_levels`` or ``stages``: ``scale``, ``position``, the name in ``level`` or ``stage``,
        ``lower_bound``, ``is_official``, ``source``.
    scale
        Name of the scale.
    assumed
        Level → lower bound, for levels whose bound is not published. The lowest level needs none.

    Returns
    -------
    pandas.DataFrame
        ``level, lower_bound, is_official, source``: an assumed bound is never official, whatever the level is.

    Raises
    ------
    BoundsError
        Naming the levels without a bound, or if bounds do not rise.
    """
    own = levels[levels["scale"] == scale]
    if own.empty:
        raise BoundsError(f"no scale {scale!r}; there are: {', '.join(sorted(set(levels['scale'])))}")
    ordered = own.assign(position=own["position"].astype(int)).sort_values("position")
    names = ordered["level"] if "level" in ordered else ordered["stage"]
    published = pd.to_numeric(ordered["lower_bound"], errors="coerce").to_numpy(dtype=float)
    given = np.array([float((assumed or {}).get(name, np.nan)) for name in names])
    bounds = np.where(np.isfinite(published), published, given)
    bounds[0] = -np.inf if not np.isfinite(bounds[0]) else bounds[0]
    missing = [name for name, bound in zip(names, bounds, strict=True) if np.isnan(bound)]
    if missing:
        raise BoundsError(
            f"scale {scale!r}: no bound for {', '.join(missing)}. None is published; give assumed lower bounds, and"
            " mark every page made with them as conditional"
        )
    if (np.diff(bounds) <= 0).any():
        raise BoundsError(f"scale {scale!r}: bounds must rise, got {bounds.tolist()}")
    is_official = np.isfinite(published) & ordered["is_official"].eq("1").to_numpy()
    return pd.DataFrame(
        {
            "level": names.to_numpy(),
            "lower_bound": bounds,
            "is_official": is_official,
            "source": np.where(is_official, ordered["source"], "assumed"),
        }
    )


def levels_of(scores: pd.DataFrame, bounds: pd.DataFrame) -> pd.DataFrame:
    """Level of every score, and whether its printed interval alone could change it.

    Parameters
    ----------
    scores
        ``score, score_low, score_high``; a missing end is open.
    bounds
        Result of :func:`scale_bounds`.

    Returns
    -------
    pandas.DataFrame
        The scores with ``level`` (empty where the interval spans a bound and no value is known), ``level_low`` and
        ``level_high``, ``is_certain``, ``distance`` to the nearest bound (unit of the score), ``is_conditional``: some
        bound used is assumed.

    *Assumes* that a bound belongs to the level above it and that the upper end of a rounded figure is excluded.
    """
    cuts, names = bounds["lower_bound"].to_numpy()[1:], bounds["level"].to_numpy()
    value = scores["score"].to_numpy(dtype=float)
    low = np.where(np.isnan(scores["score_low"]), -np.inf, scores["score_low"])
    high = np.where(np.isnan(scores["score_high"]), np.inf, scores["score_high"])
    first = np.searchsorted(cuts, low, side="right")
    last = np.where(high > low, np.searchsorted(cuts, high, side="left"), first)
    own = np.where(np.isnan(value), first, np.searchsorted(cuts, np.nan_to_num(value), side="right"))
    is_certain = first == last
    is_known = is_certain | np.isfinite(value)
    distance = np.abs(value[:, None] - cuts[None, :]).min(axis=1)
    return scores.assign(
        level=np.where(is_known, names[own], ""),
        level_low=names[first],
        level_high=names[last],
        is_certain=is_certain,
        distance=distance,
        is_conditional=not bool(bounds["is_official"].iloc[1:].all()),
    )
