"""What service optimisation changed: estimators, inference, regions and what to optimise next."""
