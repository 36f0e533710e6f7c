//! Makes the plan of a failure small: a smaller plan counts if the same point fails.
//!
//! First whole classes of faults go, then steps, then single faults by chance (delta debugging,
//! Zeller and Hildebrandt 2002). A draw depends on its coordinates alone, so that what stays
//! behaves as before.
//!
//! While chance decides, what is left of a plan meets faults wherever its datagrams and operations
//! have moved to; once faults have names, they stay where they are. So the names come late.

use std::collections::BTreeSet;

use super::{
    oracle::Point,
    plan::{Action, Plan},
    run::run,
    setup::Setup,
};
use crate::faults::Fault;

/// A plan that fails, on its way to a smaller one.
#[derive(Debug)]
struct Shrinking {
    plan: Plan,
    point: Point,
    /// The faults by chance in the run of the plan.
    happened: BTreeSet<Fault>,
    runs_left: u32,
}

/// The smallest plan that was found in so many runs and fails at the same point; `None` if `plan`
/// does not fail there.
pub fn shrink(plan: &Plan, point: Point, runs: u32) -> Option<Plan> {
    let mut shrinking = Shrinking {
        plan: plan.clone(),
        point,
        happened: BTreeSet::new(),
        runs_left: runs,
    };
    shrinking.try_plan(plan.clone()).then_some(())?;
    shrinking.turn_back_knobs();
    shrinking.drop_steps();
    shrinking.name_faults();
    loop {
        let before = size(&shrinking.plan);
        shrinking.turn_back_knobs();
        shrinking.drop_steps();
        shrinking.drop_faults();
        shrinking.shorten_texts();
        if size(&shrinking.plan) == before || shrinking.runs_left == 0 {
            return Some(shrinking.plan);
        }
    }
}

/// How much happens in a plan: its steps, and its faults by chance.
pub fn size(plan: &Plan) -> usize {
    plan.steps.len() + plan.only.as_ref().map_or(0, BTreeSet::len)
}

impl Shrinking {
    /// Takes a plan if it fails as the first one did.
    fn try_plan(&mut self, plan: Plan) -> bool {
        let Some(left) = self.runs_left.checked_sub(1) else {
            return false;
        };
        self.runs_left = left;
        let outcome = run(&plan);
        let fails = outcome
            .failure
            .is_some_and(|failure| failure.point == self.point);
        if fails {
            self.plan = plan;
            self.happened = outcome.faults;
            if self.plan.only.is_some() {
                self.name_faults();
            }
        }
        fails
    }

    /// From here on, the faults that have happened do so by name, and no others by chance.
    fn name_faults(&mut self) {
        self.plan.only = Some(self.happened.clone());
    }

    fn turn_back_knobs(&mut self) {
        for number in 0..Setup::COUNT {
            let mut plan = self.plan.clone();
            if plan.setup.turn_back(number) {
                self.try_plan(plan);
            }
        }
    }

    fn drop_steps(&mut self) {
        let count = self.plan.steps.len();
        self.drop_parts(count, |plan, parts| {
            let mut number = 0..;
            plan.steps
                .retain(|_| number.next().is_none_or(|number| !parts.contains(&number)));
        });
    }

    fn drop_faults(&mut self) {
        let count = self.plan.only.as_ref().map_or(0, BTreeSet::len);
        self.drop_parts(count, |plan, parts| {
            let mut number = 0..;
            if let Some(only) = &mut plan.only {
                only.retain(|_| number.next().is_none_or(|number| !parts.contains(&number)));
            }
        });
    }

    /// Drops parts of a plan, half of them at once, then a quarter, down to single ones.
    fn drop_parts(&mut self, count: usize, drop: impl Fn(&mut Plan, std::ops::Range<usize>)) {
        let (mut left, mut size) = (count, count.div_ceil(2));
        while size > 0 && left > 0 {
            // From the end: what comes late often only follows from what came before.
            let mut end = left;
            while end > 0 && self.runs_left > 0 {
                let start = end.saturating_sub(size);
                let mut plan = self.plan.clone();
                drop(&mut plan, start..end);
                if self.try_plan(plan) {
                    left -= end - start;
                }
                end = start;
            }
            left = left.min(count);
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }

    fn shorten_texts(&mut self) {
        for number in 0..self.plan.steps.len() {
            let mut plan = self.plan.clone();
            if let Action::Type(_, line) = &mut plan.steps[number].action
                && let Some((start, _)) = line.split_once(" word")
            {
                *line = start.to_owned();
                self.try_plan(plan);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_does_not_fail_is_not_made_smaller() {
        let plan = super::super::generate::plan(1);
        let fails = run(&plan).failure.is_some();
        assert!(!fails, "seed 1 is a good one");
        assert_eq!(shrink(&plan, Point::Lost, 10), None);
    }
}
