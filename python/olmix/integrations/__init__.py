"""Small adapters: Lightning, transformers and Optuna. Each needs its package when it is imported, and not before."""
