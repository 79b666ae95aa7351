"""ACTIVA: interventional distributions from observational data alone (arXiv 2503.01290)."""
