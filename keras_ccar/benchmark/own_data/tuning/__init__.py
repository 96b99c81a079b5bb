"""Settings of CCAR and the learning rate, tuned by Optuna."""
