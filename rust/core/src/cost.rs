//! Cost frames of the `OpenCode` gateways, in every shape they have been seen in.
//!
//! A ping (`{"type": "ping", "cost": ...}`) or a chunk without choices (`{"choices": [], "cost": ...}`), before or after
//! the terminal. Tagged `x-opencode-type: inference-cost` it is the price at list; untagged it is the charge.
//! Owns which is which; when to wait for one is the decoder's business. Twin of `runtimes/pure/cost.py`.

use crate::json::Value;
use crate::lifecycle::Out;
use crate::usage::wire_cost;

const TAG: &str = "x-opencode-type";
const NOTIONAL: &str = "inference-cost";

/// What a frame said about money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// An untagged cost: what was charged.
    Charge,
    /// A price at list, a summary of usage, or a cost that could not be read.
    List,
}

/// Takes a top-level `cost` and `normalizedUsage` of a frame or document. `None` where it has neither.
pub fn take(value: Value<'_>, out: &mut Out<'_>) -> Option<Said> {
    let [said, summary, tag] = value.pick(["cost", "normalizedUsage", TAG]);
    if said.is_null() && summary.is_null() {
        return None;
    }
    out.life.usage.normalized(summary);
    if said.is_null() {
        return Some(Said::List);
    }
    match wire_cost(said) {
        None => out.warn("a cost on the wire could not be read"),
        Some(amount) if tag.str().is_some_and(|tag| tag == NOTIONAL) => out.life.usage.list_cost = Some(amount),
        Some(amount) => {
            out.life.usage.cost = Some(amount);
            return Some(Said::Charge);
        }
    }
    Some(Said::List)
}
