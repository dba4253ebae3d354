"""Tables become scores, ranks, groups, targets, audits and effects, each with its uncertainty."""
