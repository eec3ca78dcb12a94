"""The dials of the Train page: which act and what a training costs, what each did, what a training says of them."""
