"""Learners that place a shopper by a formula over their history: ALS and softmax."""
