"""What if the run had more tokens, or needed some of a domain? The laws are fitted once."""

import olmix

fit = olmix.fit(olmix.examples.swarm())
base = fit.propose(target_tokens=1e10, repetition=4)
books = fit.what_if({"books": 0.2}, target_tokens=1e10, repetition=4)

print(base.compare(books))
assert base.predicted is not None and books.predicted is not None
print(f"A fifth of books costs {books.predicted - base.predicted:.4f} of the average loss")
for limit, price in base.multipliers.items():
    print(f"{limit}: the loss falls by {price:.3f} per unit of weight")

print(fit.sweep(target_tokens=[1e10, 2e10], repetition=[2, 4], kl=[0.05]))
