"""What the dials of the Train page did: a small curve beside each, the learning curve, and a training's account."""
