//! A plan as JSON.

use olmix_ledger::{Cost, Record};
use serde_json::{Map, Value, json};

use crate::{Plan, Risk};

impl Plan {
    /// Everything the plan says, as `olmix plan --json` prints it. Numbers that are not finite are null.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let virtuals: Vec<Value> = self
            .reuse
            .frozen
            .iter()
            .enumerate()
            .map(|(v, one)| {
                let members = one.members.iter();
                let members: Map<String, Value> = members
                    .map(|(name, share)| (name.clone(), json!(share)))
                    .collect();
                let (min, max) = self.bounds(v);
                json!({
                    "name": one.name, "cap": self.cap(v), "min": min, "max": max, "members": members,
                })
            })
            .collect();
        let drawn = self.reuse.drawn.iter().map(|one| &one.name);
        let earlier = self.earlier.iter().map(|swarm| {
            json!({
                "swarm": swarm.swarm, "runs": swarm.runs, "lost": swarm.lost,
                "weighted": swarm.weighted(),
            })
        });
        let alternatives = self.reuse.alternatives.iter().zip(&self.expected.methods);
        let alternatives = alternatives.map(|(other, expected)| {
            json!({
                "method": other.method, "domains": other.domains, "runs": other.runs,
                "expected_loss": expected.as_ref().ok(), "why_no_expected_loss": expected.as_ref().err(),
            })
        });
        json!({
            "version": self.version.name(),
            "from": self.base.as_ref().map(Record::name),
            "method": self.method(),
            "reasons": self.reasons,
            "virtual_domains": virtuals,
            "drawn_as_one": drawn.collect::<Vec<_>>(),
            "free": self.reuse.free,
            "runs": self.reuse.runs,
            "cost": cost(&self.cost),
            "recompute": cost(&self.recompute),
            "earlier": earlier.collect::<Vec<_>>(),
            "expected_loss": self.expected.plan.as_ref().ok(),
            "loss_in_use": self.expected.in_use.as_ref().ok(),
            "alternatives": alternatives.collect::<Vec<_>>(),
            "risk": self.risk.as_ref().map(|risk| self.risk_to_json(risk)),
        })
    }

    fn risk_to_json(&self, risk: &Risk) -> Value {
        let found = &risk.analysis;
        let by_domain: Map<String, Value> = self
            .domains
            .iter()
            .zip(&found.coupling.by_domain)
            .map(|(domain, k)| (domain.name.clone(), json!(k)))
            .collect();
        let by_task: Vec<Value> = risk
            .tasks
            .iter()
            .zip(&found.coupling.by_task)
            .map(|(task, k)| json!({"task": task, "coupling": k}))
            .collect();
        let estimates: Map<String, Value> = risk
            .estimates
            .iter()
            .map(|(name, estimate)| (name.clone(), json!(estimate)))
            .collect();
        let worth_freeing = risk.worth_freeing.iter().map(|freed| {
            let name = &self.domains[freed.domain].name;
            json!({"domain": name, "before": freed.before, "after": freed.after})
        });
        let finite = |x: f64| x.is_finite().then_some(x);
        let bound = found.bound.as_ref().map(|(bound, gap)| {
            json!({
                "on_loss": finite(bound.on_loss), "on_reuse_gap": finite(bound.on_gap), "reuse_gap": bound.reuse_gap,
                "moved": bound.moved, "estimated_gap": gap,
            })
        });
        let reused = found.reused.as_ref().ok().map(|reused| reused.loss);
        json!({
            "fit": risk.fit, "exact": risk.log_linear, "estimates": estimates,
            "loss": {"optimum": found.optimum_loss, "reused": reused, "prior": found.prior_loss},
            "kappa": found.coupling.kappa, "by_domain": by_domain, "by_task": by_task,
            "shared_tasks": risk.shared,
            "worth_freeing": worth_freeing.collect::<Vec<_>>(),
            "bound": bound,
        })
    }
}

fn cost(cost: &Cost) -> Value {
    json!({"runs": cost.runs, "tokens": cost.tokens, "flops": cost.flops})
}
