"""The training engine for LightFM: epochs of WARP, BPR, logistic and k-OS WARP, compiled with numba."""
