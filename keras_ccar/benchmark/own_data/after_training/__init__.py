"""What follows a training without another one: tau, thresholds, temperatures, folds."""
