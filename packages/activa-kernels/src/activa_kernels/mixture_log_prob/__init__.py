"""The log density of a Gaussian mixture with low-rank plus diagonal covariances."""

from activa_kernels.mixture_log_prob.op import mixture_log_prob

__all__ = ["mixture_log_prob"]
