"""What is learned: hyperparameters, features, the trained model, fold-in of new shoppers, and the baselines."""
