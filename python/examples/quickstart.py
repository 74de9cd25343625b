"""From measured runs to a mixture: what README's Python section shows."""

import olmix

ratios, metrics = olmix.examples.tables()  # yours: data frames, mappings of columns, or paths of CSV files
tokens = {
    "web:general": 6e9, "web:science": 1.5e9, "code": 9e8, "math": 3e8, "books": 8e8, "wikipedia": 2e8,
}  # fmt: skip

swarm = olmix.Swarm(ratios, metrics, tokens=tokens)
fit = olmix.fit(swarm, law="auto")
print(fit)
mix = fit.propose(target_tokens=1e10, repetition=4)
print(mix)
print(mix.table)
