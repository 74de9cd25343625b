//! The price of a constraint: what the predicted loss pays for a cap or a bound that binds.
//!
//! Two answers. The *multiplier* is the derivative of the least objective by the bound
//! ([`multipliers`]). It says what the next little bit costs, and nothing of the whole: a multiplier
//! times the bound is not the cost of having the bound. So the problem is also solved again, once with
//! the bound loosened by an amount that people think in (one more epoch, one percentage point) and once
//! without the constraint ([`ConstraintPrice`]).

mod conditions;
mod linear_program;
mod multipliers;
mod resolve;

pub use multipliers::{Multiplier, multipliers};
pub use resolve::{ConstraintPrice, Loosened, Priced, constraint_prices};
